import type { HeatmapOptions } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { now } from './support/arbitrary.ts';
import { forAnyHistory, stopClock, storeWith, windows, wrongFields } from './support/operations.ts';
import { heatmap } from './support/oracle-operations.ts';
import { expectSame } from './support/same.ts';

const dayMs = 86_400_000;
stopClock();

const options: fc.Arbitrary<HeatmapOptions> = fc
  .tuple(
    windows,
    fc.constantFrom(undefined, 'skill' as const, 'tool' as const),
    fc.constantFrom(undefined, 'own'),
    fc.constantFrom(undefined, 1, 3),
  )
  .map(([window, kind, orgId, limit]) => ({ ...window, kind, orgId, limit }));

test('agrees with a count by hand', async () => {
  await forAnyHistory(options, async ({ reader }, history, asked) => {
    expectSame(await reader.getHeatmap(asked), heatmap(history, asked));
  });
});

test('counts by the hour of the day, on whatever day', async () => {
  const at = (day: number, hour: number): number => Date.UTC(2026, 1, day, hour, 30);
  const { reader } = await storeWith([
    execution({ at: at(27, 0), kind: 'tool', name: 'fetch', latencyMs: 10 }),
    execution({ at: at(28, 0), kind: 'tool', name: 'fetch', latencyMs: 40, weight: 2, success: false }),
    execution({ at: at(28, 23), kind: 'tool', name: 'fetch', latencyMs: undefined }),
    execution({ at: at(28, 5), kind: 'tool', name: 'sort' }),
    execution({ at: now - 31 * dayMs, kind: 'tool', name: 'sort', weight: 100 }),
    execution({ at: at(28, 5), name: 'fetch' }),
  ]);
  const { rows } = await reader.getHeatmap();
  expect(rows.map(({ name, executions }) => [name, executions])).toEqual([
    ['fetch', 4],
    ['sort', 1],
  ]);
  const hours = rows[0]?.hours ?? [];
  expect(hours).toHaveLength(24);
  expect(hours[0]).toEqual({ executions: 3, failures: 2, averageLatencyMs: 30 });
  expect(hours[23]).toEqual({ executions: 1, failures: 0, averageLatencyMs: null });
  expect(hours.slice(1, 23).every(({ executions }) => executions === 0)).toBe(true);
  expect((await reader.getHeatmap({ limit: 1 })).rows).toEqual(rows.slice(0, 1));
  expect((await reader.getHeatmap({ kind: 'llm' })).rows).toEqual([]);
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  const wrong = { kind: 'robot' as never, orgId: '', limit: 1.5, days: Infinity };
  expect(await wrongFields(reader.getHeatmap(wrong))).toEqual(['days', 'kind', 'limit', 'orgId']);
});
