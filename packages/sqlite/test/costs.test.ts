import type { CostGroup, CostOptions } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { now } from './support/arbitrary.ts';
import { createStore } from './support/in-process.ts';
import { forAnyHistory, reports, stopClock, storeWith, wrongFields } from './support/operations.ts';
import { costs } from './support/oracle-operations.ts';
import { expectSame } from './support/same.ts';

stopClock();

const callers = ['skill', 'tool', 'agent'] as const satisfies readonly CostGroup[];
const groups: readonly CostGroup[] = ['operation', 'kind', 'model', 'organisation', 'user', 'run', ...callers];
const options: fc.Arbitrary<CostOptions> = fc
  .tuple(reports, fc.constantFrom(undefined, ...groups), fc.constantFrom(undefined, 1, 3, 1000))
  .map(([report, by, limit]) => ({ ...report, by, limit }));

test('agrees with a count by hand', async () => {
  await forAnyHistory(options, async ({ reader }, history, asked) => {
    expectSame(await reader.getCosts(asked), costs(history, asked));
  });
});

test('without any filter, too, by each group', async () => {
  const asked = fc.tuple(fc.constantFrom(...groups), fc.constantFrom(1, 2, 1000)).map(([by, limit]) => ({ by, limit }));
  await forAnyHistory(asked, async ({ reader }, history, one) => {
    expectSame(await reader.getCosts(one), costs(history, one));
  });
});

test('by skill, tool and agent, whoever calls whom', async () => {
  const kinds = ['skill', 'tool', 'agent', 'llm'] as const;
  const calls = fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      name: fc.constantFrom('a', 'b'),
      /** Which of them has called it; it may be itself, one that it calls, or none. */
      parent: fc.integer({ min: -3, max: 9 }),
      at: fc.integer({ min: now - 5, max: now }),
      cents: fc.constantFrom(undefined, 1, 2, 4),
    }),
    { maxLength: 12 },
  );
  const range = fc.record({ from: fc.constantFrom(undefined, now - 3), to: fc.constantFrom(undefined, now - 1) });
  await fc.assert(
    fc.asyncProperty(calls, range, async (history, range) => {
      const made = history.map(({ kind, name, at, cents: count }) =>
        execution({ kind, name, at, ...(count !== undefined && { cost: cents(count) }) }),
      );
      const events = made.map((event, at) => {
        const parent = made[history[at]?.parent ?? -1];
        return parent === undefined ? event : { ...event, parentId: parent.id };
      });
      const store = await createStore();
      store.write(events);
      for (const by of callers) {
        const asked = { by, ...range };
        expectSame(await store.reader.getCosts(asked), costs({ events, now }, asked));
      }
      store.close();
    }),
    { numRuns: 60 },
  );
});

test('what belongs to no organisation and says nothing costs nothing, also beside others that count by fractions', async () => {
  const call = { at: now, kind: 'llm', name: 'answer', weight: 1 / 0.7 } as const;
  const { reader } = await storeWith([
    ...Array.from({ length: 60 }, (_, at) =>
      execution({
        ...call,
        at: now - ((at * 31) % 50) * 3_600_000,
        orgId: `org-${at % 3}`,
        usage: { ...usage, inputTokens: (at * 150_461) % 5003 },
        cost: { nanoUsd: ((at * 942_561) % 100_003) * 9_973, source: 'provider' },
      }),
    ),
    execution({ ...call, cost: cents(0) }),
  ]);
  const { entries } = await reader.getCosts({ by: 'organisation' });
  expect(entries.find(({ name }) => name === null)).toMatchObject({ totalTokens: 0, totalCostUsd: 0 });
});

test('a rounding of many sampled executions is nobody who belongs to no organisation', async () => {
  const { reader } = await storeWith(
    Array.from({ length: 60 }, (_, at) =>
      execution({ at: now - ((at * 31) % 50) * 3_600_000, orgId: `org-${at % 3}`, weight: 1e9 / (7 + (at % 5)) }),
    ),
  );
  const { entries } = await reader.getCosts({ by: 'organisation' });
  expect(entries.map(({ name }) => name)).toEqual(['org-0', 'org-1', 'org-2']);
});

test('what is known to cost nothing goes before what is unknown, also where there is room for one', async () => {
  const { reader } = await storeWith([
    execution({ at: now, name: 'a' }),
    execution({ at: now, name: 'b', cost: cents(0) }),
  ]);
  expect((await reader.getCosts({ limit: 1 })).entries).toMatchObject([{ name: 'b', totalCostUsd: 0 }]);
});

const usage = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 5, reasoningTokens: 0 };
const cents = (count: number) => ({ nanoUsd: count * 10_000_000, source: 'provider' }) as const;
const priced = [
  execution({ at: now, kind: 'llm', name: 'answer', model: 'large', usage, cost: cents(6), orgId: 'one', runId: 'r1' }),
  execution({ at: now, kind: 'llm', name: 'answer', model: 'small', usage, cost: cents(1), weight: 2, userId: 'ada' }),
  execution({ at: now, kind: 'llm', name: 'answer', model: 'small', usage, orgId: 'one', runId: 'r1' }),
  execution({ at: now, kind: 'tool', name: 'fetch', cost: cents(8), orgId: 'two', userId: 'ada', runId: 'r2' }),
  execution({ at: now, name: 'free', cost: cents(0), userId: 'ada' }),
  execution({ at: now, name: 'unknown' }),
];

const notByCaller = { calls: null, costPerCallUsd: null };

test('the example of the tracker: total, calls and average of each operation, most expensive first', async () => {
  const { reader } = await storeWith(priced);
  expect(await reader.getCosts()).toEqual({
    executions: 7,
    pricedExecutions: 5,
    totalCostUsd: 0.16,
    averageCostUsd: 0.16 / 5,
    totalTokens: 60,
    entries: [
      {
        kind: 'llm',
        name: 'answer',
        executions: 4,
        pricedExecutions: 3,
        totalCostUsd: 0.08,
        averageCostUsd: 0.08 / 3,
        totalTokens: 60,
        ...notByCaller,
      },
      {
        kind: 'tool',
        name: 'fetch',
        executions: 1,
        pricedExecutions: 1,
        totalCostUsd: 0.08,
        averageCostUsd: 0.08,
        totalTokens: 0,
        ...notByCaller,
      },
      {
        kind: 'skill',
        name: 'free',
        executions: 1,
        pricedExecutions: 1,
        totalCostUsd: 0,
        averageCostUsd: 0,
        totalTokens: 0,
        ...notByCaller,
      },
      {
        kind: 'skill',
        name: 'unknown',
        executions: 1,
        pricedExecutions: 0,
        totalCostUsd: null,
        averageCostUsd: null,
        totalTokens: 0,
        ...notByCaller,
      },
    ],
  });
});

const byGroup: [CostGroup, [string | null, number | null][]][] = [
  [
    'kind',
    [
      ['llm', 0.08],
      ['tool', 0.08],
      ['skill', 0],
    ],
  ],
  [
    'model',
    [
      [null, 0.08],
      ['large', 0.06],
      ['small', 0.02],
    ],
  ],
  [
    'organisation',
    [
      ['two', 0.08],
      ['one', 0.06],
      [null, 0.02],
    ],
  ],
  [
    'user',
    [
      ['ada', 0.1],
      [null, 0.06],
    ],
  ],
  [
    'skill',
    [
      [null, 0.16],
      ['free', 0],
      ['unknown', null],
    ],
  ],
  [
    'tool',
    [
      ['fetch', 0.08],
      [null, 0.08],
    ],
  ],
  ['agent', [[null, 0.16]]],
  [
    'run',
    [
      ['r2', 0.08],
      ['r1', 0.06],
      [null, 0.02],
    ],
  ],
];
test.each(byGroup)('by %s', async (by, expected) => {
  const { reader } = await storeWith(priced);
  const { entries, totalCostUsd } = await reader.getCosts({ by });
  expect(entries.map(({ kind, name, totalCostUsd: usd }) => [by === 'kind' ? kind : name, usd])).toEqual(expected);
  expect(totalCostUsd).toBe(0.16);
  const [most] = (await reader.getCosts({ by, limit: 1 })).entries;
  expect(most).toEqual(entries[0]);
});

test('nothing has no cost, which is not a cost of 0', async () => {
  const { reader } = await storeWith([]);
  for (const by of groups) {
    expect(await reader.getCosts({ by })).toEqual({
      executions: 0,
      pricedExecutions: 0,
      totalCostUsd: null,
      averageCostUsd: null,
      totalTokens: 0,
      entries: [],
    });
  }
});

test('nano-dollars add up exactly', async () => {
  const cost = { nanoUsd: 1, source: 'computed' } as const;
  const huge = { nanoUsd: 2 ** 52, source: 'computed' } as const;
  const { reader } = await storeWith(
    [execution({ at: now, cost: huge, runId: 'r' })],
    Array.from({ length: 999 }, () => execution({ at: now, cost, runId: 'r' })),
  );
  for (const by of groups) {
    const { totalCostUsd, entries } = await reader.getCosts({ by });
    expect([totalCostUsd, entries[0]?.totalCostUsd]).toEqual([(2 ** 52 + 999) / 1e9, (2 ** 52 + 999) / 1e9]);
  }
});

test('calls that cost the same cost just that on average', async () => {
  const calls = (version: string, nanoUsd: number) =>
    Array.from({ length: 168 }, () =>
      execution({ at: now, name: 'ask', model: 'small', version, cost: { nanoUsd, source: 'computed' } }),
    );
  const { reader } = await storeWith(calls('1', 100_000));
  const [entry] = (await reader.getCosts({ by: 'skill' })).entries;
  expect(entry).toMatchObject({ averageCostUsd: 0.0001, costPerCallUsd: 0.0001 });
  expect(await reader.compareModels()).toMatchObject([{ averageCostUsd: 0.0001, costPerSuccessUsd: 0.0001 }]);
  expect(await reader.getWaste()).toMatchObject({ costPerSuccessUsd: 0.0001 });

  const { reader: ofTwo } = await storeWith(calls('1', 100_000), calls('2', 300_000));
  const { versions, difference } = await ofTwo.compareVersions('ask', ['1', '2']);
  const exactly = (value: number) => ({ value, low: value, high: value });
  expect(versions.map(({ averageCostUsd }) => averageCostUsd)).toEqual([exactly(0.0001), exactly(0.0003)]);
  expect(difference.averageCostUsd).toEqual(exactly(0.0002));
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  const wrong = {
    by: 'name; DROP TABLE x' as never,
    limit: 1001,
    kind: 'skills' as never,
    name: '',
    model: 5 as never,
  };
  expect(await wrongFields(reader.getCosts(wrong))).toEqual(['by', 'kind', 'limit', 'model', 'name']);
});
