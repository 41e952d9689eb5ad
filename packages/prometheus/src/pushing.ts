import type { AnalyticsError } from '@toolweaver/analytics-core';
import type { PushgatewayClient } from './pushgateway.ts';
import type { PushgatewayTarget } from './pushgateway-options.ts';

export interface Pushing {
  /** Rejects with the reason when the gateway did not take it. */
  push(signal: AbortSignal): Promise<void>;
  /** Why the latest push failed; undefined when it did not. */
  readonly failure: AnalyticsError | undefined;
  /** Pushes once more, or deletes. */
  close(): Promise<void>;
}

/** For the last push, if the one before it failed. */
const lastChanceMs = 800;

/** Pushes at an interval and at the end. `onFailure` is called with the error of each push that nobody waits for. */
export function startPushing(
  client: PushgatewayClient,
  { intervalMs, mode, deleteOnClose }: PushgatewayTarget,
  onFailure: (error: AnalyticsError) => void,
): Pushing {
  let failure: AnalyticsError | undefined;
  let underWay = false;
  const send = mode === 'push' ? client.push : client.add;

  async function arrive(work: Promise<void>): Promise<void> {
    try {
      await work;
      failure = undefined;
    } catch (error) {
      failure = error as AnalyticsError;
      throw error;
    }
  }

  async function attempt(work: Promise<void>): Promise<void> {
    await arrive(work).catch(onFailure);
  }

  const timer =
    intervalMs === 0
      ? undefined
      : setInterval(() => {
          if (!underWay) {
            underWay = true;
            void attempt(send()).finally(() => {
              underWay = false;
            });
          }
        }, intervalMs).unref();

  return {
    push: (signal) => arrive(send(signal)),
    get failure() {
      return failure;
    },
    async close() {
      clearInterval(timer);
      const signal = failure === undefined ? undefined : AbortSignal.timeout(lastChanceMs);
      await attempt(deleteOnClose ? client.delete(signal) : send(signal));
    },
  };
}
