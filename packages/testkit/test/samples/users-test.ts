import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnalytics, memory } from '@toolweaver/analytics-core';
import { deterministicIds, expectRecorded, fakeClock, ledgerHolds } from '@toolweaver/analytics-testkit';

test('a search that fails is recorded as a failure', async () => {
  const clock = fakeClock();
  const store = memory();
  const analytics = createAnalytics({ backends: [store], clock, newId: deterministicIds() });
  const search = analytics.wrapTool(async function search(query: string): Promise<string> {
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 250));
    throw new TypeError(`cannot parse ${query}`);
  });

  const answer = assert.rejects(search('?'), TypeError);
  await clock.advance(250);
  await answer;
  await clock.advance(1000);

  expectRecorded(store.events, {
    type: 'execution',
    kind: 'tool',
    name: 'search',
    success: false,
    latencyMs: 250,
    error: { type: 'TypeError' },
  });
  ledgerHolds(analytics.stats());
  await analytics.close();
});
