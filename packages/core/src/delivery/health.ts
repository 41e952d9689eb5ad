import type { Clock } from '../client.ts';
import { type AnalyticsError, backendError } from '../errors.ts';
import { withDeadline } from './deadline.ts';
import type { Delivery } from './delivery.ts';
import type { BackendHealth } from './report.ts';
import { toAnalyticsError } from './reporter.ts';

/** Probes a backend. One that has no probe is judged by its deliveries. */
export async function checkHealth(delivery: Delivery, clock: Clock, timeoutMs: number): Promise<BackendHealth> {
  const startedMs = clock.monotonic();
  const { backend, failure } = delivery;
  const { name } = backend;
  let error: AnalyticsError | undefined;
  try {
    const { state } = delivery.stats();
    if (state === 'closed') {
      throw backendError(name, 'CLOSED', 'the client is closed');
    }
    if (backend.check !== undefined) {
      await withDeadline(clock, timeoutMs, `${name}: check`, (signal) => backend.check?.(signal));
    } else if (failure !== undefined && (failure.final || state === 'open')) {
      const cause = failure.error;
      throw backendError(name, 'BACKEND_UNAVAILABLE', `the last delivery failed: ${cause.message}`, cause);
    }
  } catch (thrown) {
    error = toAnalyticsError(thrown, name);
  }
  return { healthy: error === undefined, latencyMs: clock.monotonic() - startedMs, error };
}
