import type {
  AnalyticsError,
  AnalyticsEvent,
  ExecutionEvent,
  ReportOptions,
  Scope,
  WindowOptions,
} from '@toolweaver/analytics-core';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, onTestFinished, vi } from 'vitest';
import { executions, name, now } from './arbitrary.ts';
import { createStore, type Store } from './in-process.ts';
import type { History } from './oracle-operations.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Ends of windows that cut hours and days, or fall on their edges. */
const end = fc
  .tuple(fc.constantFrom(0, 1, 2, 7, 30, 45), fc.constantFrom(0, 0.25, 1, 5, 23.5), fc.integer({ min: -1, max: 2 }))
  .map(([days, hours, ms]) => now - days * dayMs - hours * hourMs + ms);
const range = fc
  .tuple(fc.option(end, { nil: undefined }), fc.option(end, { nil: undefined }))
  .map(([one, other]) => (one !== undefined && other !== undefined && one > other ? [other, one] : [one, other]))
  .map(([from, to]) => ({ from, to }));

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

export const windows: fc.Arbitrary<WindowOptions> = fc.oneof(
  fc.constant({}),
  fc.constantFrom(0.3, 1, 7, 30, 400).map((days) => ({ days })),
  range,
);
const scopes = fc.record({
  orgId: fc.constantFrom(undefined, undefined, 'own', 'other', 'nobody'),
  userId: rarely(fc.constantFrom('u1', 'u2', "' OR 1=1 --")),
  runId: rarely(fc.constantFrom('r1', 'r2')),
});

/** Options of most questions. */
export const scoped: fc.Arbitrary<Scope & WindowOptions> = fc
  .tuple(windows, scopes)
  .map(([window, scope]) => ({ ...window, ...scope }));
export const reports: fc.Arbitrary<ReportOptions> = fc
  .tuple(
    scoped,
    fc.record({
      kind: fc.constantFrom(undefined, undefined, 'skill', 'tool'),
      name: rarely(name),
      model: rarely(fc.constantFrom('large-2', 'Large-2')),
    }),
  )
  .map(([scope, report]) => ({ ...scope, ...report }) as ReportOptions);

/** Checks a property of any history and any options, also after the oldest rows and hours were deleted and others came late. */
export async function forAnyHistory<O>(
  options: fc.Arbitrary<O>,
  check: (store: Store, history: History, options: O) => Promise<void>,
): Promise<void> {
  const batch = fc.array(executions, { maxLength: 30 });
  const history = fc.record({
    batches: fc.array(batch, { maxLength: 3 }),
    late: batch,
    floor: fc.option(fc.record({ days: fc.constantFrom(0, 1, 2, 7), ms: fc.integer({ min: 0, max: 30 * hourMs }) }), {
      nil: null,
    }),
  });
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.array(options, { minLength: 8, maxLength: 8 }),
      async ({ batches, late, floor }, asked) => {
        const store = await createStore();
        // Smaller examples repeat ids, as nobody else does.
        const ids = new Set<string>();
        const write = (events: readonly ExecutionEvent[]): ExecutionEvent[] => {
          const once = events.filter(({ id }) => !ids.has(id) && ids.add(id));
          store.write(once);
          return once;
        };
        try {
          const events = batches.flatMap(write);
          for (const one of asked) {
            await check(store, { events, now }, one);
          }
          if (floor !== null) {
            const rowsFrom = now - floor.days * dayMs - floor.ms;
            const hoursFrom = Math.floor((rowsFrom - floor.days * dayMs) / dayMs) * dayMs;
            forget(store, rowsFrom, hoursFrom);
            const later = write(late);
            const all = [...events, ...later];
            const kept = [...events.filter(({ at }) => at >= rowsFrom), ...later];
            for (const one of asked) {
              await check(store, { events: all, now, rowsFrom, hoursFrom, kept }, one);
            }
          }
        } finally {
          store.close();
        }
      },
    ),
    { numRuns: process.env['RELIABILITY'] === 'full' ? 150 : 15 },
  );
}

/** What retention does. */
export function forget({ db }: Pick<Store, 'db'>, rowsFrom: number, hoursFrom: number): void {
  db.prepare('DELETE FROM execution_events WHERE at < ?').run(rowsFrom);
  db.prepare(`DELETE FROM rollups WHERE width = ${hourMs} AND start < ?`).run(hoursFrom);
  const addFloor = db.prepare('INSERT INTO floors (name, before) VALUES (?, ?)');
  addFloor.run('executions', rowsFrom);
  addFloor.run('hours', hoursFrom);
}

/** For all tests of a file. */
export function stopClock(): void {
  beforeAll(() => void vi.useFakeTimers({ now, toFake: ['Date'] }));
  afterAll(() => void vi.useRealTimers());
}

/** A store with these events, closed when the test is over. */
export async function storeWith(...writes: readonly (readonly AnalyticsEvent[])[]): Promise<Store> {
  const store = await createStore();
  onTestFinished(() => store.close());
  for (const write of writes) {
    store.write(write);
  }
  return store;
}

/** The fields that a question finds wrong. */
export async function wrongFields(question: Promise<unknown>): Promise<string[]> {
  const error = await question.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
  return (error as AnalyticsError).problems.map(({ field }) => field).sort();
}
