import { type AnalyticsError, createAnalytics, memory } from '@toolweaver/analytics-core';
import { type Budget, type BudgetOptions, createBudget } from '@toolweaver/analytics-prices';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';

const noon = Date.UTC(2026, 1, 27, 12);
const hour = 3_600_000;
const cents = (count: number) => ({ nanoUsd: count * 10_000_000, source: 'computed' }) as const;

/** Its type allows every question. */
function budgetAt(start: number, options: Omit<BudgetOptions, 'now'>) {
  let now = start;
  const budget = createBudget({ ...options, now: () => now }) as Budget;
  return {
    ...budget,
    spend(count: number, more: Parameters<typeof execution>[0] = {}) {
      budget.backend.write([execution({ kind: 'llm', name: 'a', at: now, cost: cents(count), ...more })]);
    },
    go(ms: number) {
      now += ms;
    },
  };
}

test('says how much is left, warns, and says when it is over', () => {
  const budget = budgetAt(noon, { limitUsd: 1, window: 'day' });
  const window = { from: Date.UTC(2026, 1, 27), to: Date.UTC(2026, 1, 28) };
  expect(budget.check()).toEqual({ state: 'ok', limitUsd: 1, spentUsd: 0, remainingUsd: 1, unpricedCalls: 0, window });
  budget.spend(79);
  expect(budget.check()).toMatchObject({ state: 'ok', spentUsd: 0.79, remainingUsd: 0.21 });
  budget.spend(1);
  expect(budget.check()).toMatchObject({ state: 'warning', spentUsd: 0.8 });
  expect(budget.check({ expectedUsd: 0.2 }).state).toBe('warning');
  expect(budget.check({ expectedUsd: 0.21 }).state).toBe('exceeded');
  budget.spend(20);
  expect(budget.check()).toMatchObject({ state: 'exceeded', spentUsd: 1, remainingUsd: 0 });
  budget.spend(5);
  expect(budget.check()).toMatchObject({ state: 'exceeded', spentUsd: 1.05, remainingUsd: 0 });
});

test.each([
  ['hour', Date.UTC(2026, 1, 27, 12), Date.UTC(2026, 1, 27, 13)],
  ['day', Date.UTC(2026, 1, 27), Date.UTC(2026, 1, 28)],
  ['month', Date.UTC(2026, 1, 1), Date.UTC(2026, 2, 1)],
  [{ ms: 2 * hour }, Date.UTC(2026, 1, 27, 12), Date.UTC(2026, 1, 27, 14)],
] as const)('begins anew with each window: %j', (window, from, to) => {
  const budget = budgetAt(noon, { limitUsd: 1, window });
  budget.spend(60);
  expect(budget.check()).toMatchObject({ spentUsd: 0.6, window: { from, to } });
  budget.go(to - 1 - noon);
  expect(budget.check().spentUsd).toBe(0.6);
  budget.go(1);
  expect(budget.check()).toMatchObject({ spentUsd: 0, window: { from: to } });
  // What was before is over.
  budget.spend(60, { at: to - 1 });
  expect(budget.check().spentUsd).toBe(0);
  budget.spend(7);
  expect(budget.check().spentUsd).toBe(0.07);
});

test('what claims to be from the future does not end the present', () => {
  const budget = budgetAt(noon, { limitUsd: 1, window: 'hour' });
  budget.spend(10);
  budget.spend(10, { at: noon + 10 * hour });
  budget.spend(10);
  expect(budget.check()).toMatchObject({ spentUsd: 0.3, window: { from: noon } });
});

test('a clock that was ahead for a while does not end the guard', () => {
  const budget = budgetAt(noon, { limitUsd: 1, window: 'hour' });
  budget.go(30 * 24 * hour);
  budget.check();
  budget.go(-30 * 24 * hour);
  budget.spend(40);
  budget.spend(40);
  expect(budget.check()).toMatchObject({ spentUsd: 0.8, window: { from: noon } });
});

test('counts what it is told to count: all kinds, by weight, and calls without a price', () => {
  const all = budgetAt(noon, { limitUsd: 1, window: 'day' });
  const some = budgetAt(noon, { limitUsd: 1, window: 'day', filter: { orgId: 'acme', kind: 'llm' } });
  for (const budget of [all, some]) {
    budget.spend(1, { orgId: 'acme' });
    budget.spend(2, { orgId: 'acme', kind: 'tool' });
    budget.spend(4, { orgId: 'other' });
    budget.spend(8, { orgId: 'acme', weight: 2.5, success: false });
    budget.spend(0, { orgId: 'acme', cost: undefined, weight: 2.5 });
    budget.spend(0, { orgId: 'acme', cost: undefined, kind: 'skill' });
  }
  expect(all.check()).toMatchObject({ spentUsd: 0.27, unpricedCalls: 2.5 });
  expect(some.check()).toMatchObject({ spentUsd: 0.21, unpricedCalls: 2.5 });
});

test('each user has a budget of their own', () => {
  const budget = budgetAt(noon, { limitUsd: 1, window: 'day', per: 'user' });
  budget.spend(90, { userId: 'ada' });
  budget.spend(10, { userId: 'bob' });
  budget.spend(10);
  const states = ['ada', 'bob', 'eve'].map((of) => budget.check({ of }).state);
  expect(states).toEqual(['warning', 'ok', 'ok']);
  expect(budget.check({ of: 'bob' }).spentUsd).toBe(0.1);
});

test('finds what core has recorded of ids that it had to clean', async () => {
  const orgIds = ['acme\tEMEA', 'x'.repeat(300), 'acme \ud800'];
  const options = { limitUsd: 1, window: 'day' } as const;
  const each = createBudget({ ...options, per: 'organisation' });
  const filtered = orgIds.map((orgId, at) => createBudget({ ...options, filter: { orgId }, name: `of ${at}` }));
  const backends = [await sqlite({ path: ':memory:' }), ...[each, ...filtered].map(({ backend }) => backend)];
  const analytics = createAnalytics({ backends });
  for (const orgId of orgIds) {
    analytics.recordLlmCall({ model: 'm', success: true, cost: { usd: 5 }, orgId });
  }
  await analytics.flush();
  for (const [at, orgId] of orgIds.entries()) {
    const loaded = createBudget({ ...options, per: 'organisation', filter: { orgId } });
    await loaded.load(analytics.reader);
    const answers = [each.check({ of: orgId }), filtered[at]?.check(), loaded.check({ of: orgId })];
    expect(answers).toMatchObject(Array(3).fill({ state: 'exceeded', spentUsd: 5 }));
  }
  expect(each.check({ of: 'acme' }).state).toBe('ok');
  await analytics.close();
});

test('a filter for a provider finds it under the names that the AI SDK has for it', () => {
  const budget = budgetAt(noon, { limitUsd: 1, window: 'day', filter: { provider: 'OpenAI' } });
  for (const provider of ['openai', 'openai.responses', 'azure.openai', undefined]) {
    budget.spend(1, { provider } as object);
  }
  expect(budget.check().spentUsd).toBe(0.02);
});

test('nano-dollars add up exactly', () => {
  const budget = budgetAt(noon, { limitUsd: 1, window: 'day' });
  for (let call = 0; call < 1000; call += 1) {
    budget.spend(0, { cost: { nanoUsd: 100_001, source: 'computed' } });
  }
  expect(budget.check().spentUsd).toBe(0.100_001);
});

test('a limit that binary fractions cannot hold is still the limit', () => {
  const budget = budgetAt(noon, { limitUsd: 0.07, window: 'day', warnAt: 1 });
  budget.spend(3);
  expect(budget.check({ expectedUsd: 0.04 }).state).toBe('warning');
  budget.spend(4);
  expect(budget.check()).toMatchObject({ state: 'exceeded', spentUsd: 0.07, remainingUsd: 0 });
});

test('hears of what a client records, and keeps what it costs out of the way', async () => {
  const budget = createBudget({ limitUsd: 0.01, window: 'month' });
  const prices = { price: () => ({ nanoUsd: 4_000_000, source: 'computed' }) as const };
  const analytics = createAnalytics({ backends: [memory(), budget.backend], prices });
  const call = { model: 'm', success: true, usage: { inputTokens: 5 } };
  const states: string[] = [];
  for (let at = 0; at < 3; at += 1) {
    states.push(budget.check({ expectedUsd: 0.004 }).state);
    analytics.recordLlmCall(call);
  }
  expect(states).toEqual(['ok', 'warning', 'exceeded']);
  // Nothing was blocked.
  expect(budget.check().spentUsd).toBe(0.012);
  await analytics.close();
});

test('begins with what was spent before, where a reader says it', async () => {
  const store = await sqlite({ path: ':memory:' });
  const analytics = createAnalytics({ backends: [store] });
  const call = { model: 'm', success: true } as const;
  analytics.recordLlmCall({ ...call, at: noon, userId: 'ada', cost: { usd: 0.25 } });
  analytics.recordLlmCall({ ...call, at: noon, userId: 'bob', cost: { usd: 0.5 } });
  analytics.recordToolInvocation({ toolName: 't', success: true, at: noon, userId: 'bob', cost: { usd: 0.125 } });
  analytics.recordLlmCall({ ...call, at: noon, userId: 'bob' });
  analytics.recordLlmCall({ ...call, at: noon - 24 * hour, userId: 'ada', cost: { usd: 8 } });
  const one = budgetAt(noon, { limitUsd: 1, window: 'day' });
  const each = budgetAt(noon, { limitUsd: 1, window: 'day', per: 'user' });
  const ofCalls = budgetAt(noon, { limitUsd: 1, window: 'day', filter: { kind: 'llm' } });
  const ofTools = budgetAt(noon, { limitUsd: 1, window: 'day', filter: { kind: 'tool' } });
  await ofCalls.load(analytics.reader);
  await ofTools.load(analytics.reader);
  await one.load(analytics.reader);
  await each.load(analytics.reader);
  expect(one.check()).toMatchObject({ spentUsd: 0.875, unpricedCalls: 1 });
  expect(ofCalls.check()).toMatchObject({ spentUsd: 0.75, unpricedCalls: 1 });
  expect(ofTools.check()).toMatchObject({ spentUsd: 0.125, unpricedCalls: 0 });
  expect(each.check({ of: 'ada' })).toMatchObject({ spentUsd: 0.25, unpricedCalls: 0 });
  expect(each.check({ of: 'bob' })).toMatchObject({ spentUsd: 0.625, unpricedCalls: 1 });
  one.spend(10);
  expect(one.check().spentUsd).toBe(0.975);
  await analytics.close();
});

test('takes whom a reader leaves out for owners who have spent as much as the last that it names', async () => {
  const store = await sqlite({ path: ':memory:' });
  const analytics = createAnalytics({ backends: [store] });
  const loaded = async () => {
    const budget = budgetAt(noon, { limitUsd: 1, window: 'day', per: 'user' });
    await budget.load(analytics.reader);
    return budget;
  };
  for (let user = 0; user < 999; user += 1) {
    analytics.recordLlmCall({ model: 'm', success: true, at: noon, userId: `user-${user}`, cost: { usd: 1.5 } });
  }
  expect((await loaded()).check({ of: 'new' })).toMatchObject({ state: 'ok', spentUsd: 0 });
  for (const userId of ['last', 'left-out']) {
    analytics.recordLlmCall({ model: 'm', success: true, at: noon, userId, cost: { usd: 0.9 } });
  }
  const budget = await loaded();
  expect(budget.check({ of: 'user-7' }).spentUsd).toBe(1.5);
  for (const of of ['last', 'left-out', 'new']) {
    expect(budget.check({ of })).toMatchObject({ state: 'warning', spentUsd: 0.9 });
  }
  expect(budget.check({ of: undefined })).toMatchObject({ state: 'ok', spentUsd: 0 });
  budget.spend(10, { userId: 'left-out' });
  expect(budget.check({ of: 'left-out' })).toMatchObject({ state: 'exceeded', spentUsd: 1 });
  budget.go(24 * hour);
  expect(budget.check({ of: 'new' }).spentUsd).toBe(0);
  await analytics.close();
});

test('a budget of each owner refuses a question that does not say whose it is', () => {
  const budget = createBudget({ limitUsd: 1, window: 'day', per: 'user' });
  for (const ask of [
    // @ts-expect-error: `of` must be given
    () => budget.check(),
    // @ts-expect-error: `of` must be given
    () => budget.check({ expectedUsd: 5 }),
  ]) {
    expect(ask).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringContaining('of: must be given: this budget is per user'),
      }),
    );
  }
  expect(() => budget.check({ of: 5 as never })).toThrow('of: must be a string, got 5');
});

test('nobody, such as a user who has not signed in, has no budget to exceed', () => {
  const budget = createBudget({ limitUsd: 1, window: 'day', per: 'user' });
  for (const nobody of [undefined, null as never, '']) {
    expect(budget.check({ of: nobody }).state).toBe('ok');
    expect(budget.check({ of: nobody, expectedUsd: 5 }).state).toBe('ok');
  }
});

test.each([{ limitUsd: 1, window: 'day' } as const, { limitUsd: 1, window: 'day', per: 'user' } as const])(
  'a question with a misspelt name is refused: %j',
  (options) => {
    const budget = createBudget(options);
    const question = { of: 'ada', expected: 5 };
    expect(() => budget.check(question)).toThrow('expected: is not an option; the options are of, expectedUsd');
    expect(() => budget.check(null as never)).toThrow('options: must be an object, got null');
  },
);

test('what is expected counts for nothing where it is no number above 0', () => {
  const budget = budgetAt(noon, { limitUsd: 1, window: 'day' });
  for (const odd of [Symbol('cents'), 2n, Object.create(null), Number.NaN, -5, null, '5']) {
    expect(budget.check({ expectedUsd: odd as never }).state).toBe('ok');
  }
  expect(budget.check({ expectedUsd: Number.POSITIVE_INFINITY }).state).toBe('exceeded');
});

test.each([null, {}, createAnalytics({ backends: [] })])(
  'begins with no store but what a reader says',
  async (reader) => {
    const { load } = createBudget({ limitUsd: 1, window: 'day' });
    await expect(load(reader as never)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('reader: must be the `reader` of a client or of a store'),
    });
  },
);

test('many owners do not fill the memory: further ones share a budget', () => {
  const budget = budgetAt(noon, { limitUsd: 1, window: 'day', per: 'user' });
  for (let user = 0; user < 50_000; user += 1) {
    budget.spend(1, { userId: `user-${user}` });
  }
  budget.spend(30, { userId: 'late' });
  budget.spend(30, { userId: 'later' });
  expect(budget.check({ of: 'user-7' }).spentUsd).toBe(0.01);
  expect(budget.check({ of: 'later' }).spentUsd).toBe(0.6);
  expect(budget.check({ of: undefined }).spentUsd).toBe(0);
});

test('wrong options are refused, all of them at once', () => {
  const wrong = {
    limitUsd: 0,
    limit: 5,
    window: 'week',
    warnAt: 2,
    per: 'team',
    name: '',
    now: 5,
    filter: { team: 'a', kind: 5 },
  };
  let error: unknown;
  try {
    createBudget(wrong as never);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
  expect((error as AnalyticsError).problems.map(({ field }) => field).sort()).toEqual([
    'filter.kind',
    'filter.team',
    'limit',
    'limitUsd',
    'name',
    'now',
    'per',
    'warnAt',
    'window',
  ]);
  expect((error as AnalyticsError).message).toMatch(
    /per: must be one of .*, got "team".* now: must be a function, got 5/s,
  );
  for (const ms of [999, Number.POSITIVE_INFINITY, undefined]) {
    expect(() => createBudget({ limitUsd: 1, window: { ms } as never })).toThrow(
      /window\.ms: must be a number from 1000/,
    );
  }
  expect(() => createBudget({ limitUsd: 1, window: 3_600_000 as never })).toThrow(
    /window: must be hour.*, got 3600000$/,
  );
  // It would be nothing in whole nano-dollars.
  expect(() => createBudget({ limitUsd: 1e-10, window: 'day' })).toThrow(
    'limitUsd: must be US dollars from 1e-9 to 9007199.25474099, got 1e-10',
  );
  expect(() => createBudget(null as never)).toThrow('options: must be an object');
  const window = { ms: 5000, hours: 1 };
  expect(() => createBudget({ limitUsd: 1, window })).toThrow('window.hours: is not an option; the options are ms');
  expect(() => createBudget({ limitUsd: 1, window: 'day', filter: { kind: 'LLM' as never } })).toThrow(
    'filter.kind: must be one of skill, tool, llm, agent, search, operation, got "LLM"',
  );
  expect(() => createBudget({ limitUsd: 1, window: 'day', filter: 'agents' as never })).toThrow(
    'filter: must be an object',
  );
});
