import type { Clock } from '../client.ts';
import { type AnalyticsError, backendError, withoutName } from '../errors.ts';
import { failureOf } from './deadline.ts';
import type { Delivery } from './delivery.ts';
import type { BackendHealth } from './report.ts';

/** Probes a backend. */
export async function checkHealth(delivery: Delivery, clock: Clock, timeoutMs: number): Promise<BackendHealth> {
  const startedMs = clock.monotonic();
  const error = await probe(delivery, clock, timeoutMs);
  return { healthy: error === undefined, latencyMs: clock.monotonic() - startedMs || 0, error };
}

/** Judged by its probe, if it has one, and by its deliveries: where a disk is full, there may still be room for a probe. */
async function probe(delivery: Delivery, clock: Clock, timeoutMs: number): Promise<AnalyticsError | undefined> {
  const { backend } = delivery;
  const { name } = backend;
  // First, as it may deliver.
  const { state } = delivery.stats();
  const failure = delivery.failure();
  if (state === 'closed') {
    return backendError(name, 'CLOSED', 'the client is closed');
  }
  const isStalled = failure?.final && failure.error.code === 'TIMEOUT';
  if (backend.check !== undefined && !isStalled) {
    const failed = await failureOf(clock, timeoutMs, name, 'check', (signal) => backend.check?.(signal));
    if (failed !== undefined || state !== 'open') {
      return failed;
    }
  }
  if (failure === undefined || !(failure.final || state === 'open')) {
    return undefined;
  }
  const cause = failure.error;
  return backendError(name, 'BACKEND_UNAVAILABLE', `the last delivery failed: ${withoutName(cause)}`, cause);
}
