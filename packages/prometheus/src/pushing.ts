import type { AnalyticsError } from '@toolweaver/analytics-core';
import type { PushgatewayClient } from './pushgateway.ts';
import type { PushgatewayTarget } from './pushgateway-options.ts';

export interface Pushing {
  push(signal: AbortSignal): Promise<void>;
  /** Pushes once more, or deletes. */
  close(): Promise<void>;
}

/** Pushes on an interval and at the end; tells of failures, once for each time that the gateway is away. */
export function startPushing(
  client: PushgatewayClient,
  { intervalMs, mode, deleteOnClose }: PushgatewayTarget,
  onNotice: (notice: AnalyticsError) => void,
): Pushing {
  let isAway = false;
  let underWay = false;
  const push = mode === 'push' ? client.push : client.add;

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      isAway = false;
    } catch (error) {
      if (!isAway) {
        isAway = true;
        onNotice(error as AnalyticsError);
      }
    }
  }

  const timer =
    intervalMs === 0
      ? undefined
      : setInterval(() => {
          if (!underWay) {
            underWay = true;
            void attempt(push).finally(() => {
              underWay = false;
            });
          }
        }, intervalMs).unref();

  return {
    push,
    async close() {
      clearInterval(timer);
      await attempt(deleteOnClose ? client.delete : push);
    },
  };
}
