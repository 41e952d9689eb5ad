import type { ErrorReportOptions } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { now } from './support/arbitrary.ts';
import { forAnyHistory, reports, stopClock, storeWith, wrongFields } from './support/operations.ts';
import { errors } from './support/oracle-operations.ts';
import { expectSame } from './support/same.ts';

stopClock();

const options: fc.Arbitrary<ErrorReportOptions> = fc
  .tuple(reports, fc.constantFrom(undefined, 1, 2, 1000))
  .map(([report, limit]) => ({ ...report, limit }));

test('agrees with a count by hand', async () => {
  await forAnyHistory(options, async ({ reader }, history, asked) => {
    expectSame(await reader.getErrors(asked), errors(history, asked));
  });
});

test('the example of the tracker: calls, errors and rate of each tool, and what fails how', async () => {
  const call = (name: string, type?: string, weight?: number) =>
    execution({
      at: now,
      kind: 'tool',
      name,
      success: type === undefined,
      ...(type !== undefined && { error: { type } }),
      ...(weight !== undefined && { weight }),
    });
  const { reader } = await storeWith([
    call('fetch', 'TimeoutError'),
    call('fetch', 'TimeoutError'),
    call('fetch', 'TypeError'),
    call('fetch'),
    call('parse', 'TimeoutError', 4),
    call('parse', undefined, 12),
    call('sort'),
  ]);
  expect(await reader.getErrors()).toEqual({
    executions: 21,
    failures: 7,
    errorRate: 1 / 3,
    operations: [
      { kind: 'tool', name: 'fetch', executions: 4, failures: 3, errorRate: 0.75 },
      { kind: 'tool', name: 'parse', executions: 16, failures: 4, errorRate: 0.25 },
      { kind: 'tool', name: 'sort', executions: 1, failures: 0, errorRate: 0 },
    ],
    groups: [
      {
        errorType: 'TimeoutError',
        failures: 6,
        share: 6 / 7,
        operations: [
          { kind: 'tool', name: 'parse', failures: 4 },
          { kind: 'tool', name: 'fetch', failures: 2 },
        ],
      },
      { errorType: 'TypeError', failures: 1, share: 1 / 7, operations: [{ kind: 'tool', name: 'fetch', failures: 1 }] },
    ],
  });
});

test('all failures are a share of 1 and no more, also beside successes that count by fractions', async () => {
  const { reader } = await storeWith([
    ...Array.from({ length: 5 }, () => execution({ at: now, weight: 10 / 7 })),
    execution({ at: now, success: false }),
  ]);
  expect((await reader.getErrors()).groups.map(({ share }) => share)).toEqual([1]);
});

test('what always fails does so at a rate of 1, also where failures count by fractions', async () => {
  const weights = { a: 5 / 3, b: 10 / 3, c: 1 };
  const { reader } = await storeWith(
    Object.entries(weights).map(([name, weight]) => execution({ at: now, success: false, name, runId: name, weight })),
  );
  const { errorRate, operations } = await reader.getErrors();
  expect(errorRate).toBe(1);
  expect(operations.map(({ name, failures, errorRate }) => [name, failures, errorRate])).toEqual([
    ['b', weights.b, 1],
    ['a', weights.a, 1],
    ['c', weights.c, 1],
  ]);
  const { runs } = await reader.listRuns({ where: [{ figure: 'failures', op: '=', value: weights.b }] });
  expect(runs.map(({ runId, failures }) => [runId, failures])).toEqual([['b', weights.b]]);
});

test('what fails in too many ways for a cell to keep is unknown, and still all there', async () => {
  const { reader } = await storeWith(
    Array.from({ length: 150 }, (_, at) => execution({ at: now, success: false, error: { type: `E${at}` } })),
  );
  const { failures, groups } = await reader.getErrors({ limit: 1000 });
  expect(failures).toBe(150);
  expect(groups.reduce((sum, group) => sum + group.failures, 0)).toBe(150);
  expect(groups[0]?.errorType).toBe('unknown');
});

test('each day of a long window has types of its own', async () => {
  const day = 86_400_000;
  // Within one cell of 32 days.
  const start = Math.floor(now / (32 * day)) * 32 * day - 32 * day;
  const store = await storeWith([]);
  for (let date = 0; date < 5; date += 1) {
    store.write(
      Array.from({ length: 60 }, (_, at) =>
        execution({ at: start + date * day, success: false, error: { type: `E${date} ${at}` } }),
      ),
    );
    // What is added up later finds cells that are there.
    await store.reader.getErrors();
  }
  const range = { from: start, to: start + 32 * day };
  const { groups } = await store.reader.getErrors({ ...range, limit: 1000 });
  expect(groups).toHaveLength(300);
  expect(groups.every(({ failures }) => failures === 1)).toBe(true);
});

test('nothing fails at no rate', async () => {
  const { reader } = await storeWith([]);
  expect(await reader.getErrors()).toEqual({ executions: 0, failures: 0, errorRate: null, operations: [], groups: [] });
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  expect(await wrongFields(reader.getErrors({ limit: 0, days: -1, orgId: [] as never }))).toEqual([
    'days',
    'limit',
    'orgId',
  ]);
});
