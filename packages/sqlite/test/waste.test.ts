import type { WasteOptions } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { now } from './support/arbitrary.ts';
import { createStore } from './support/in-process.ts';
import { forAnyHistory, reports, stopClock, storeWith, wrongFields } from './support/operations.ts';
import { waste } from './support/oracle-waste.ts';
import { expectSame } from './support/same.ts';

stopClock();

const options: fc.Arbitrary<WasteOptions> = fc
  .tuple(reports, fc.constantFrom(undefined, 1, 3, 1000))
  .map(([report, limit]) => ({ ...report, limit }));

test('agrees with a count by hand', async () => {
  await forAnyHistory(options, async ({ reader }, history, asked) => {
    expectSame(await reader.getWaste(asked), waste(history, asked));
  });
});

test('a success that was done again is waste; one that followed a failure is not', async () => {
  const parent = execution({ kind: 'agent', name: 'clerk', at: now });
  const cost = (cents: number) => ({ nanoUsd: cents * 10_000_000, source: 'computed' }) as const;
  const call = { kind: 'llm', name: 'extract', parentId: parent.id } as const;
  const { reader } = await storeWith([
    execution({ ...call, at: now - 5, success: false, cost: cost(1) }),
    execution({ ...call, at: now - 4, attempt: 2, cost: cost(2) }),
    execution({ ...call, at: now - 3, attempt: 3, cost: cost(4) }),
    parent,
  ]);
  const { failed, superseded, retried, wastedShare, firstTrySuccessRate, costPerSuccessUsd } = await reader.getWaste({
    kind: 'llm',
  });
  expect([failed, superseded, retried].map(({ executions, totalCostUsd }) => [executions, totalCostUsd])).toEqual([
    [1, 0.01],
    [1, 0.02],
    [2, 0.06],
  ]);
  expect([wastedShare, firstTrySuccessRate, costPerSuccessUsd]).toEqual([3 / 7, 0, 0.07]);
});

test('a try repeats one that failed, if there is any', async () => {
  const parent = execution({ kind: 'agent', name: 'clerk', at: now });
  const call = { kind: 'llm', name: 'extract', parentId: parent.id } as const;
  const { reader } = await storeWith([
    // Two at once, of which one is tried again.
    execution({ ...call, at: now - 5, success: false }),
    execution({ ...call, at: now - 4 }),
    execution({ ...call, at: now - 3, attempt: 2 }),
    parent,
  ]);
  const { superseded, failed } = await reader.getWaste();
  expect([superseded.executions, failed.executions]).toEqual([0, 1]);
});

test('any tries of a few operations', async () => {
  const parents = ['00000000-0000-4000-8000-000000000001', undefined];
  const tries = fc.array(
    fc.record({
      parentId: fc.constantFrom(...parents),
      runId: fc.constantFrom('r1', undefined),
      attempt: fc.constantFrom(undefined, 1, 2, 3),
      success: fc.boolean(),
      at: fc.integer({ min: now - 3, max: now }),
      cents: fc.constantFrom(undefined, 1, 2, 4, 8),
      weight: fc.constantFrom(1, 2.5),
    }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(tries, async (history) => {
      const events = history.map(({ cents, ...fields }) =>
        execution({ ...fields, ...(cents !== undefined && { cost: { nanoUsd: cents * 1e7, source: 'computed' } }) }),
      );
      const store = await createStore();
      store.write(events);
      expectSame(await store.reader.getWaste(), waste({ events, now }));
      store.close();
    }),
    { numRuns: 60 },
  );
});

test('of nothing there is no share, no rate and no cost', async () => {
  const { reader } = await storeWith([]);
  const none = { executions: 0, pricedExecutions: 0, totalCostUsd: null, averageCostUsd: null, totalTokens: 0 };
  expect(await reader.getWaste()).toEqual({
    total: none,
    failed: none,
    superseded: none,
    wasted: none,
    retried: none,
    wastedShare: null,
    firstTrySuccessRate: null,
    costPerSuccessUsd: null,
    operations: [],
  });
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  expect(await wrongFields(reader.getWaste({ limit: 0, kind: 'x' as never, days: -1 }))).toEqual([
    'days',
    'kind',
    'limit',
  ]);
});
