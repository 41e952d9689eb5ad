import type { AnalyticsError } from '@toolweaver/analytics-core';
import type { PushgatewayClient } from './pushgateway.ts';
import type { PushgatewayTarget } from './pushgateway-options.ts';

export interface Pushing {
  push(signal: AbortSignal): Promise<void>;
  /** Pushes once more, or deletes. */
  close(): Promise<void>;
}

/** For the last push, if the gateway has not answered the one before it. */
const lastChanceMs = 800;

/** Pushes at an interval and at the end; reports a failure once for each outage of the gateway. */
export function startPushing(
  client: PushgatewayClient,
  { intervalMs, mode, deleteOnClose }: PushgatewayTarget,
  onNotice: (notice: AnalyticsError) => void,
): Pushing {
  let isAway = false;
  /** False while a push that somebody waits for is unanswered: its caller may have given up on it. */
  let isAnswered = true;
  let underWay = false;
  const send = mode === 'push' ? client.push : client.add;

  async function arrive(work: Promise<void>): Promise<void> {
    await work;
    isAnswered = true;
    isAway = false;
  }

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await arrive(work());
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
            void attempt(send).finally(() => {
              underWay = false;
            });
          }
        }, intervalMs).unref();

  return {
    async push(signal) {
      isAnswered = false;
      await arrive(send(signal));
    },
    async close() {
      clearInterval(timer);
      const signal = isAway || !isAnswered ? AbortSignal.timeout(lastChanceMs) : undefined;
      await attempt(() => (deleteOnClose ? client.delete(signal) : send(signal)));
    },
  };
}
