import { setTimeout } from 'node:timers/promises';
import type { Analytics } from '@toolweaver/analytics-core';

/** For what has to succeed. A busy machine may take long: the store's threads give way to everybody else. What hangs is ended with the test. */
export const patiently = { timeoutMs: 3_600_000 } as const;

/** Ends when all that was recorded is delivered, however many attempts it takes: after some failures a flush does not wait for the next one. */
export async function deliverAll(analytics: Analytics): Promise<void> {
  while (!(await analytics.flush(patiently)).ok) {
    await setTimeout(20);
  }
}
