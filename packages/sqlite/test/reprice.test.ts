import { join } from 'node:path';
import type { ExecutionEvent, Price, PriceProvider, PriceQuestion } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { executions, now } from './support/arbitrary.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { costs } from './support/oracle-operations.ts';
import { expectRollupsHold } from './support/rollups.ts';
import { value } from './support/rows.ts';
import { expectSame } from './support/same.ts';

const hour = 3_600_000;
const usage = { inputTokens: 100, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 10, reasoningTokens: 0 };
const call = { kind: 'llm', name: 'answer', model: 'large', usage } as const;

/** So many nano-dollars a token, whatever the model. */
function perToken(nanoUsd: number, but: (question: PriceQuestion) => boolean = () => false): PriceProvider {
  return {
    price(question) {
      const tokens = Object.values(question.usage).reduce((sum, count) => sum + count, 0);
      return but(question) ? undefined : { nanoUsd: nanoUsd * tokens, source: 'computed' };
    },
  };
}

test('rows, roll-ups and runs say the new costs, whatever they were', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  let events: ExecutionEvent[] = [];
  let nanoUsd = 0;
  // Large token counts times a price would no longer be whole numbers that a number holds.
  const small = executions.filter(({ usage }) => Object.values(usage ?? {}).every((count) => count < 2 ** 20));
  await fc.assert(
    fc.asyncProperty(
      fc.array(small, { minLength: 10, maxLength: 40 }),
      fc.boolean(),
      fc.boolean(),
      async (more, ask, overrides) => {
        await backend.write(more);
        events.push(...more);
        if (ask) {
          await backend.reader.summary();
        }
        nanoUsd += 3;
        const window = { from: now - 7 * 24 * hour, to: now - hour };
        const prices = perToken(nanoUsd, ({ model }) => model === 'Large-2');
        const isMeant = ({ at, model, usage, cost }: ExecutionEvent): boolean =>
          window.from <= at &&
          at < window.to &&
          model !== undefined &&
          usage !== undefined &&
          (cost === undefined || cost.source === 'computed' || (overrides && cost.source === 'override'));
        const meant = events.filter(isMeant);
        const repriced = new Map<ExecutionEvent, Price | undefined>();
        for (const event of meant) {
          repriced.set(event, prices.price(event as ExecutionEvent & { model: string; usage: typeof usage }));
        }
        const changed = meant.filter((event) => {
          const price = repriced.get(event);
          return price !== undefined && price.nanoUsd !== event.cost?.nanoUsd;
        });
        const expected = {
          executions: meant.length,
          changed: changed.length,
          priced: changed.filter(({ cost }) => cost === undefined).length,
          unknown: meant.filter((event) => repriced.get(event) === undefined).length,
        };
        expect(await backend.store.reprice({ prices, ...window, overrides, dryRun: true })).toMatchObject({
          ...expected,
          dryRun: true,
        });
        expect(await backend.store.reprice({ prices, ...window, overrides })).toMatchObject({
          ...expected,
          dryRun: false,
        });
        events = events.map((event) => {
          const price = repriced.get(event);
          return price === undefined || price.nanoUsd === event.cost?.nanoUsd ? event : { ...event, cost: price };
        });
        expectRollupsHold(path);
        for (const by of ['operation', 'model', 'organisation', 'run'] as const) {
          expectSame(await backend.reader.getCosts({ by }), costs({ events, now }, { by }));
        }
      },
    ),
    { numRuns: process.env['RELIABILITY'] === 'full' ? 100 : 6, endOnFailure: true },
  );
  expect(events.length).toBeGreaterThan(50);
}, 600_000);

test('what the provider has said stays, and so does what has no price', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write([
    execution({ ...call, at: now, cost: { nanoUsd: 7, source: 'provider' } }),
    execution({ ...call, at: now, cost: { nanoUsd: 7, source: 'override' } }),
    execution({ ...call, at: now, cost: { nanoUsd: 7, source: 'computed' }, weight: 2 }),
    execution({ ...call, at: now, model: 'unheard-of', cost: { nanoUsd: 7, source: 'computed' } }),
    execution({ ...call, at: now }),
    execution({ ...call, at: now, usage: undefined }),
    execution({ ...call, at: now, model: undefined }),
  ]);
  const prices = perToken(1, ({ model }) => model === 'unheard-of');
  expect(await backend.store.reprice({ prices })).toEqual({
    dryRun: false,
    executions: 3,
    changed: 2,
    priced: 1,
    unknown: 1,
    differenceUsd: (2 * 103 + 110) / 1e9,
  });
  const sources = (source: string): unknown =>
    value(
      path,
      `SELECT group_concat(cost_nano_usd) FROM executions WHERE cost_source = '${source}' ORDER BY cost_nano_usd`,
    );
  expect([sources('provider'), sources('override')]).toEqual(['7', '7']);
  expect(String(sources('computed')).split(',').sort()).toEqual(['110', '110', '7']);
  expectRollupsHold(path);
  // Again, nothing changes.
  expect(await backend.store.reprice({ prices })).toMatchObject({ changed: 0, differenceUsd: 0 });
});

test('a price may also be unknown as null', async () => {
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  await backend.write([execution({ ...call, at: now })]);
  const prices = { price: () => null } as never;
  expect(await backend.store.reprice({ prices })).toMatchObject({ executions: 1, changed: 0, unknown: 1 });
});

test('a price of another day is that of the day of the call', async () => {
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  const days = [0, 1, 2].map((day) => now - day * 24 * hour);
  await backend.write(days.map((at) => execution({ ...call, at })));
  const asked: number[] = [];
  await backend.store.reprice({
    prices: {
      price({ at }) {
        asked.push(at);
        return { nanoUsd: at === days[1] ? 5 : 3, source: 'override' };
      },
    },
  });
  expect(asked.sort()).toEqual(days.toSorted());
  const { executions: page } = await backend.reader.listExecutions();
  expect(page.map(({ cost }) => cost)).toEqual([3, 5, 3].map((nanoUsd) => ({ nanoUsd, source: 'override' })));
});

test('many are repriced in steps, while others are written', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const batch = (count: number): ExecutionEvent[] =>
    Array.from({ length: count }, (_, at) => execution({ ...call, at: now - at * 1000, runId: `run-${at % 3}` }));
  await backend.write(batch(2_500));
  const steps: number[] = [];
  const writes: unknown[] = [];
  const report = await backend.store.reprice({
    prices: perToken(2),
    to: now + 1,
    onProgress: ({ executions: count }) => {
      steps.push(count);
      writes.push(backend.write([execution({ ...call, at: now + 10 })]));
      throw new Error('nobody minds');
    },
  });
  await Promise.all(writes);
  expect(report).toMatchObject({ executions: 2_500, changed: 2_500, priced: 2_500 });
  expect(steps).toEqual([1_000, 2_000, 2_500]);
  expectRollupsHold(path);
  const { totalCostUsd, pricedExecutions } = await backend.reader.getCosts();
  expect([totalCostUsd, pricedExecutions]).toEqual([(2_500 * 220) / 1e9, 2_500]);
});

test('two at once count nothing twice', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write(Array.from({ length: 50 }, (_, at) => execution({ ...call, at: now - at })));
  const reports = await Promise.all([1, 2].map((nanoUsd) => backend.store.reprice({ prices: perToken(nanoUsd) })));
  expectRollupsHold(path);
  expect(reports.reduce((sum, { priced }) => sum + priced, 0)).toBe(50);
});

test('hours that are no longer kept stay away', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const old = Date.now() - 200 * 24 * hour;
  await backend.write([execution({ ...call, at: old })]);
  // Hours go by age, executions are kept: only what is added up by the day is left to change.
  await backend.store.prune({ retentionDays: 0 });
  await backend.store.reprice({ prices: perToken(1) });
  expect((await backend.reader.getCosts()).totalCostUsd).toBe(110 / 1e9);
  expect((await backend.reader.getCosts({ by: 'user' })).totalCostUsd).toBe(110 / 1e9);
});

test('a listener that fails later is its own affair', async () => {
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  await backend.write([execution({ ...call, at: now })]);
  const prices: PriceProvider = { price: () => ({ nanoUsd: 5, source: 'computed' }) };
  const onProgress = async (): Promise<never> => {
    throw new Error('no terminal');
  };
  expect(await backend.store.reprice({ prices, onProgress })).toMatchObject({ changed: 1 });
});

test('prices that fail end it with an error, and wrong options are named', async () => {
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  await backend.write([execution({ ...call, at: now })]);
  const failing: PriceProvider = {
    price() {
      throw new RangeError('no table');
    },
  };
  const wrongPrices: [unknown, string][] = [
    [{ nanoUsd: 0.5, source: 'computed' }, 'nanoUsd must be a whole number >= 0'],
    [{ nanoUsd: -1, source: 'computed' }, 'nanoUsd must be a whole number >= 0'],
    [{ nanoUsd: 5, source: 'banana' }, 'source must be one of override, computed'],
    [{ nanoUsd: 5 }, 'source must be one of override, computed'],
    [5, 'price must be an object'],
  ];
  await expect(backend.store.reprice({ prices: failing })).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.stringContaining('large: no table'),
  });
  for (const [price, what] of wrongPrices) {
    const prices = { price: () => price } as never;
    await expect(backend.store.reprice({ prices })).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining(`prices.price() failed for large: ${what}, got `),
    });
  }
  const late = { price: () => Promise.reject(new RangeError('no table')) };
  await expect(backend.store.reprice({ prices: late as never })).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.stringContaining('large: price must be an object, got a promise: await it'),
  });
  const wrong = {
    prices: {} as never,
    from: 2,
    to: 1,
    dryRun: 1 as never,
    onProgress: 1 as never,
    overrides: 'x' as never,
  };
  const error = await backend.store.reprice(wrong).catch((reason: unknown) => reason);
  const { problems } = error as { problems: readonly { field: string }[] };
  expect(problems.map(({ field }) => field).sort()).toEqual(['dryRun', 'from', 'onProgress', 'overrides', 'prices']);
});
