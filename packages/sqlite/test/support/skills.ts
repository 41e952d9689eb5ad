import type { AnalyticsEvent, ExecutionEvent, HealthEvent } from '@toolweaver/analytics-core';
import fc from 'fast-check';
import { at, executions, name, now, ratings } from './arbitrary.ts';
import { createStore, type Store } from './in-process.ts';
import { forget } from './operations.ts';
import type { History } from './oracle-operations.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export const orgs: fc.Arbitrary<string | undefined> = fc.constantFrom(undefined, undefined, 'own', 'other', 'nobody');
export const users: readonly string[] = ['u1', 'u2', 'u3', 'u4', 'U1', '__proto__'];

/** Mostly of skills, by some users of some organisations; among the scores, ones of the same ms. */
const events: fc.Arbitrary<AnalyticsEvent> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(executions, fc.constantFrom(undefined, ...users), fc.constantFrom(undefined, 'own', 'own', 'other'))
      .map(
        ([{ userId: _user, orgId: _org, ...event }, userId, orgId]): ExecutionEvent => ({
          ...event,
          kind: event.kind === 'tool' ? 'tool' : 'skill',
          ...(userId !== undefined && { userId }),
          ...(orgId !== undefined && { orgId }),
        }),
      ),
  },
  { weight: 1, arbitrary: ratings },
  {
    weight: 1,
    arbitrary: fc
      .record(
        {
          type: fc.constant('health' as const),
          id: fc.noBias(fc.uuid()),
          at,
          skillId: name,
          score: fc.integer({ min: 0, max: 200 }).map((halves) => halves / 2),
          deprecated: fc.boolean(),
          orgId: fc.constantFrom('own', 'other'),
        },
        { requiredKeys: ['type', 'id', 'at', 'skillId', 'score'] },
      )
      .map((event): HealthEvent => event),
  },
);

/**
 * Checks a property of any history and any options: written late and in any order, and also after the oldest rows and hours
 * were deleted.
 */
export async function forAnySkills<O>(
  options: fc.Arbitrary<O>,
  check: (store: Store, history: History, options: O) => Promise<void>,
): Promise<void> {
  const batches = fc.array(fc.array(events, { maxLength: 40 }), { minLength: 1, maxLength: 3 });
  const floors = fc.option(fc.tuple(fc.constantFrom(0, 1, 2, 7), fc.integer({ min: 0, max: 30 * hourMs })), {
    nil: null,
  });
  const asked = fc.array(options, { minLength: 6, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(batches, asked, floors, async (writes, questions, floor) => {
      const store = await createStore();
      try {
        for (const write of writes) {
          store.write(write);
        }
        const history: History = { events: writes.flat(), now };
        for (const question of questions) {
          await check(store, history, question);
        }
        if (floor !== null) {
          const rowsFrom = now - floor[0] * dayMs - floor[1];
          const hoursFrom = Math.floor((rowsFrom - floor[0] * dayMs) / dayMs) * dayMs;
          forget(store, rowsFrom, hoursFrom);
          store.db.prepare('DELETE FROM rating_events WHERE at < ?').run(rowsFrom);
          store.db.prepare('DELETE FROM health_events WHERE at < ?').run(rowsFrom);
          for (const question of questions) {
            await check(store, { ...history, rowsFrom, hoursFrom }, question);
          }
        }
      } finally {
        store.close();
      }
    }),
    { numRuns: process.env['RELIABILITY'] === 'full' ? 150 : 15 },
  );
}
