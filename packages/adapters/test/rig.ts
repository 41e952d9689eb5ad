import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Analytics,
  type AnalyticsError,
  type AnalyticsEvent,
  type AnalyticsOptions,
  createAnalytics,
  type ExecutionEvent,
  memory,
  type ToolkitEvent,
} from '@toolweaver/analytics-core';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished } from 'vitest';

export interface Rig {
  readonly analytics: Analytics;
  /** What was recorded so far, in order. */
  events(): Promise<readonly AnalyticsEvent[]>;
  executions(): Promise<readonly ExecutionEvent[]>;
  /** Executions as `kind name`, with what they are in before them: `agent a > tool b`. */
  paths(): Promise<readonly string[]>;
  toolkitEvents(): Promise<readonly ToolkitEvent[]>;
}

/** A client whose events the test can see. When the test is over nothing must have been refused, and the ledger must hold. */
export function rig(options: Partial<AnalyticsOptions> = {}): Rig {
  const store = memory();
  const errors: AnalyticsError[] = [];
  const analytics = createAnalytics({ backends: [store], onError: (error) => void errors.push(error), ...options });
  onTestFinished(async () => {
    await analytics.close();
    ledgerHolds(analytics.stats());
    expect(errors.map(({ message }) => message)).toEqual([]);
  });
  const events: Rig['events'] = async () => {
    await analytics.flush();
    return store.events;
  };
  const executions: Rig['executions'] = async () => (await events()).filter((event) => event.type === 'execution');
  return {
    analytics,
    events,
    executions,
    async paths() {
      const all = await executions();
      const pathOf = ({ kind, name, parentId }: ExecutionEvent): string => {
        const parent = all.find(({ id }) => id === parentId);
        expect(parentId === undefined || parent !== undefined, `${name} has the parent ${parentId}`).toBe(true);
        return parent === undefined ? `${kind} ${name}` : `${pathOf(parent)} > ${kind} ${name}`;
      };
      return all.map(pathOf);
    },
    toolkitEvents: async () => (await events()).filter((event) => event.type === 'toolkit'),
  };
}

/** Waits until at least `ms` have passed. One timer counts from the time its round of the event loop began, which may be long ago. */
export async function elapse(ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await sleep(1);
  }
}
