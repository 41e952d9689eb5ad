import type { Clock } from './client.ts';
import { withDeadline } from './deadline.ts';
import type { Delivery } from './delivery.ts';
import { backendError } from './errors.ts';
import type { BackendHealth } from './report.ts';
import { toAnalyticsError } from './reporter.ts';

/** Probes a backend. One that has no probe is judged by its deliveries. */
export async function checkHealth(delivery: Delivery, clock: Clock, timeoutMs: number): Promise<BackendHealth> {
  const startedMs = clock.monotonic();
  const { backend, failure } = delivery;
  const { name } = backend;
  try {
    const { state } = delivery.stats();
    if (state === 'closed') {
      throw backendError(name, 'CLOSED', 'the client is closed');
    }
    if (backend.check !== undefined) {
      await withDeadline(clock, timeoutMs, `${name}: check`, (signal) => backend.check?.(signal));
    } else if (failure !== undefined && (failure.final || state === 'open')) {
      const { error } = failure;
      throw backendError(name, 'BACKEND_UNAVAILABLE', `the last delivery failed: ${error.message}`, error);
    }
    return { healthy: true, latencyMs: clock.monotonic() - startedMs };
  } catch (thrown) {
    const error = toAnalyticsError(thrown, name);
    return { healthy: false, latencyMs: clock.monotonic() - startedMs, error };
  }
}
