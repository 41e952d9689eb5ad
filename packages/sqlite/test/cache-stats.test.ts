import { execution } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { now } from './support/arbitrary.ts';
import { forAnyHistory, reports, stopClock, storeWith, wrongFields } from './support/operations.ts';
import { cache } from './support/oracle-operations.ts';
import { expectSame } from './support/same.ts';

stopClock();

test('agrees with a count by hand', async () => {
  await forAnyHistory(reports, async ({ reader }, history, options) => {
    expectSame(await reader.getCacheStats(options), cache(history, options));
  });
});

test('counts hits and misses of those that say so, most asked first', async () => {
  const { reader } = await storeWith([
    execution({ at: now, name: 'seldom', cacheHit: false }),
    execution({ at: now, kind: 'search', name: 'often', cacheHit: true, weight: 3 }),
    execution({ at: now, kind: 'search', name: 'often', cacheHit: false }),
    execution({ at: now, name: 'silent' }),
  ]);
  expect(await reader.getCacheStats()).toEqual({
    hits: 3,
    misses: 2,
    hitRate: 0.6,
    operations: [
      { kind: 'search', name: 'often', hits: 3, misses: 1, hitRate: 0.75 },
      { kind: 'skill', name: 'seldom', hits: 0, misses: 1, hitRate: 0 },
    ],
  });
  expect(await reader.getCacheStats({ name: 'silent' })).toEqual({ hits: 0, misses: 0, hitRate: null, operations: [] });
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  expect(await wrongFields(reader.getCacheStats({ kind: '' as never, userId: '' }))).toEqual(['kind', 'userId']);
});
