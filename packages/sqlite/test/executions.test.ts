import type { ExecutionEvent, ExecutionFilter, ExecutionOrder } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at, name, now } from './support/arbitrary.ts';
import type { Store } from './support/in-process.ts';
import { forAnyHistory, stopClock, storeWith, wrongFields } from './support/operations.ts';
import { listExecutions } from './support/oracle.ts';

stopClock();

const orders: readonly ExecutionOrder[] = ['at', 'latencyMs', 'costUsd'];
const often = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const filters: fc.Arbitrary<ExecutionFilter> = fc
  .record({
    orgId: rarely(fc.constantFrom('own', 'other')),
    userId: rarely(fc.constantFrom('u1', 'U1')),
    runId: rarely(fc.constantFrom('r1', 'r2')),
    kind: often(fc.constantFrom('skill', 'tool')),
    name: often(name),
    success: rarely(fc.boolean()),
    errorType: rarely(fc.constantFrom('TimeoutError', 'unknown')),
    model: rarely(fc.constantFrom('large-2', 'TimeoutError')),
    toolkit: rarely(fc.constantFrom('web', 'parse')),
    version: rarely(fc.constantFrom('1', '2')),
    minLatencyMs: rarely(fc.constantFrom(0, 10, 10.25)),
    orderBy: fc.constantFrom(undefined, ...orders),
    limit: fc.constantFrom(undefined, 1, 2, 7, 1000),
    range: fc.tuple(rarely(at), rarely(at)).map((ends) => ends.toSorted((one, other) => (one ?? 0) - (other ?? 0))),
  })
  .map(({ range: [from, to], ...filter }) => ({
    ...filter,
    from,
    to: from !== undefined && to === from ? undefined : to,
  }));

async function allPages({ reader }: Store, filter: ExecutionFilter): Promise<ExecutionEvent[]> {
  const listed: ExecutionEvent[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await reader.listExecutions(filter, cursor);
    expect(page.executions.length).toBeLessThanOrEqual(filter.limit ?? 100);
    listed.push(...page.executions);
    if (page.nextCursor === undefined) {
      return listed;
    }
    expect(page.executions).toHaveLength(filter.limit ?? 100);
    cursor = page.nextCursor;
  }
}

test('agrees with a list by hand, page by page', async () => {
  await forAnyHistory(filters, async (store, { events, kept = events }, filter) => {
    const { limit, ...conditions } = filter;
    expect(await allPages(store, filter)).toEqual(listExecutions(kept, conditions));
  });
});

/** Three kinds of 50 names within a day, every second of the same ms as the one before it. */
const many: readonly ExecutionEvent[] = Array.from({ length: 3000 }, (_, index) =>
  execution({
    at: now - (index >> 1) * 57_600,
    kind: (['skill', 'tool', 'llm'] as const)[index % 3] as 'skill',
    name: `name ${index % 50}`,
    orgId: `org ${index % 4}`,
    runId: `run ${index % 11}`,
    success: index % 10 > 0,
    latencyMs: (index * 7919) % 1000,
    cost: { nanoUsd: (index * 104_729) % 1000, source: 'provider' },
  }),
);

test.each(orders)('gives pages of thousands by %s', async (orderBy) => {
  const store = await storeWith(many.slice(0, 1500), many.slice(1500));
  for (const filter of [{}, { kind: 'skill' }, { name: 'name 7' }, { orgId: 'org 1' }, { success: false }] as const) {
    expect(await allPages(store, { ...filter, orderBy, limit: 91 })).toEqual(
      listExecutions(many, { ...filter, orderBy }),
    );
  }
});

test('misses none of those that are as slow and as old as the last of a page', async () => {
  const at = now - 3 * 86_400_000;
  const events = Array.from({ length: 20 }, (_, index) => execution({ at, name: `name ${index}`, latencyMs: 7 }));
  const store = await storeWith(events);
  expect(await allPages(store, { orderBy: 'latencyMs', limit: 3 })).toEqual(
    listExecutions(events, { orderBy: 'latencyMs' }),
  );
});

test('misses nothing between the stretches of time that it looks at one after the other, and ends with its window', async () => {
  const minuteMs = 60_000;
  const times = [0, 1, 59_999, 60_000, 60_001, 60_002, 180_000, 300_000, 300_001, 300_002, 8e8, 8e8 + minuteMs, 9e10];
  const events = times.map((ago, index) => execution({ at: now - ago, name: `name ${index % 3}` }));
  const store = await storeWith(events);
  for (const limit of [1, 2, 5, 100]) {
    expect(await allPages(store, { kind: 'skill', limit })).toEqual(listExecutions(events));
  }
  for (const from of times.map((ago) => now - ago)) {
    expect(await allPages(store, { kind: 'skill', limit: 5, from })).toEqual(listExecutions(events, { from }));
  }
});

test('gives the same pages while newer executions arrive', async () => {
  for (const orderBy of orders) {
    const store = await storeWith(many.slice(0, 20));
    const first = await store.reader.listExecutions({ orderBy, limit: 8 });
    const next = first.executions.at(-1) as ExecutionEvent;
    store.write([
      execution({
        ...next,
        id: execution().id,
        at: now + 1,
        cost: { nanoUsd: 5000, source: 'provider' },
        latencyMs: 5000,
      }),
    ]);
    const second = await store.reader.listExecutions({ orderBy, limit: 12 }, first.nextCursor);
    expect([...first.executions, ...second.executions]).toEqual(listExecutions(many.slice(0, 20), { orderBy }));
    expect(second.nextCursor).toBeUndefined();
  }
});

test('a cursor is good for its own filter and order, with any limit', async () => {
  const { reader } = await storeWith(many.slice(0, 20));
  const filter: ExecutionFilter = { kind: 'skill', limit: 2 };
  const { nextCursor } = await reader.listExecutions(filter);
  expect((await reader.listExecutions({ ...filter, limit: 4 }, nextCursor)).executions).toHaveLength(4);
  for (const other of [
    {},
    { kind: 'tool' },
    { ...filter, name: 'x' },
    { ...filter, orderBy: 'costUsd' },
    { ...filter, to: 9 },
  ]) {
    expect(await wrongFields(reader.listExecutions(other as ExecutionFilter, nextCursor))).toEqual(['cursor']);
  }
  for (const cursor of ['', 'next', '[]', Buffer.from('[1,2').toString('base64url'), null, 5, {}]) {
    expect(await wrongFields(reader.listExecutions(filter, cursor as string))).toEqual(['cursor']);
  }
});

const bySubject = /^SEARCH e USING (COVERING )?INDEX execution_events_subject \(subject=\?/;
const byRun = /^SEARCH e USING (COVERING )?INDEX execution_events_run \(run=\?/;
const byTime = /^(SCAN e$|SEARCH e USING INTEGER PRIMARY KEY \(rowid>\?)/;
const within = /^SEARCH e USING (COVERING )?INDEX execution_events_subject \(subject=\? AND rowid[<>]\?/;
/** Which index finds the executions; and whether what it finds is in order, so that reading ends when the page is full. */
const plans: readonly [ExecutionFilter, RegExp, 'in order' | 'sorted'][] = [
  [{}, byTime, 'in order'],
  [{ orgId: 'org 1' }, byTime, 'in order'],
  [{ success: false, from: now - 3_600_000 }, byTime, 'in order'],
  [{ kind: 'skill', success: false }, byTime, 'in order'],
  [{ kind: 'tool', toolkit: 'web' }, byTime, 'in order'],
  [{ kind: 'skill', name: 'name 7' }, bySubject, 'in order'],
  [{ kind: 'skill', name: 'name 7', success: true, orgId: 'org 1', to: now }, bySubject, 'in order'],
  [{ runId: 'run 1' }, byRun, 'in order'],
  [{ runId: 'run 1', kind: 'skill', name: 'name 7' }, byRun, 'in order'],
  // In a short stretch of time.
  [{ kind: 'skill' }, within, 'sorted'],
  [{ kind: 'skill', from: now - 3_600_000, to: now }, within, 'sorted'],
  [{ name: 'name 7', success: false }, within, 'sorted'],
  // In the cells that may hold the slowest.
  [{ orderBy: 'latencyMs' }, within, 'sorted'],
  [{ orderBy: 'latencyMs', orgId: 'org 1', kind: 'skill' }, within, 'sorted'],
  [{ orderBy: 'latencyMs', runId: 'run 1' }, byRun, 'sorted'],
  [{ orderBy: 'costUsd', kind: 'skill', name: 'name 7' }, bySubject, 'sorted'],
];
test.each(plans)('finds %o by its index', async (filter, index, order) => {
  const { reader, db, statementsOf } = await storeWith(many);
  const statements = await statementsOf(() => reader.listExecutions({ ...filter, limit: 50 }));
  const searches = statements.filter((text) => text.includes('execution_events e') && !text.includes('e.seq IN ('));
  expect(searches.length).toBeGreaterThan(0);
  for (const search of searches) {
    const plan = (db.prepare(`EXPLAIN QUERY PLAN ${search}`).all() as { detail: string }[]).map(({ detail }) => detail);
    const reads = plan.filter((detail) => /^(SEARCH|SCAN) e\b/.test(detail));
    expect(reads.length).toBeGreaterThan(0);
    for (const read of reads) {
      expect(read).toMatch(index);
    }
    if (order === 'in order') {
      const page = plan.slice(plan.findIndex((detail) => detail.startsWith('CO-ROUTINE')));
      const sortsAllOfIt = page.indexOf('USE TEMP B-TREE FOR ORDER BY');
      expect(sortsAllOfIt).toBeGreaterThan(page.findIndex((detail) => detail.startsWith('SCAN (subquery')));
    }
  }
});

test('opens only the cells that hold slow calls or failures where these are looked for', async () => {
  const rare = { name: 'name 7', at: now - 5 * 86_400_000, latencyMs: 2000, success: false };
  // As heavy as it is, the failure next to it is lost in the sum.
  const events = [...many.map((event) => ({ ...event, success: true })), execution(rare)];
  const store = await storeWith([...events, execution({ ...rare, success: true, latencyMs: 1, weight: 2 ** 53 })]);
  const wanted = [{ minLatencyMs: 2000 }, { success: false }, { success: false, minLatencyMs: 1999.5 }];
  for (const filter of wanted.map((one) => ({ ...one, orderBy: 'latencyMs' as const }))) {
    const statements = await store.statementsOf(async () =>
      expect(await allPages(store, filter)).toEqual(listExecutions(events, filter)),
    );
    // Of a long parameter, the statement shows the beginning, and how many bytes are left out: a second range would be 50 more.
    const opened = /json_each\('.+'\/\*\+(\d+) bytes\*\/\) j CROSS JOIN execution_events/;
    const left = statements.flatMap((text) => opened.exec(text)?.[1] ?? []);
    expect(left).toHaveLength(1);
    expect(Number(left[0])).toBeLessThan(50);
  }
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  const wrong = {
    orgId: '',
    userId: 0,
    runId: {},
    from: 'yesterday',
    to: Number.NaN,
    kind: 'Skill',
    name: [],
    success: 1,
    errorType: '',
    model: null,
    toolkit: false,
    version: 2,
    minLatencyMs: -1,
    orderBy: 'name; --',
    limit: 1001,
  };
  const { orgId, ...rest } = wrong;
  expect(await wrongFields(reader.listExecutions(wrong as never, 'next'))).toEqual(
    ['cursor', ...Object.keys(wrong)].toSorted(),
  );
  expect(await wrongFields(reader.listExecutions({ ...rest, limit: 0 } as never))).toEqual(
    Object.keys(rest).toSorted(),
  );
});
