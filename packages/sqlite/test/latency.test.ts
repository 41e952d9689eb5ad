import type { LatencyOptions } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { now } from './support/arbitrary.ts';
import { forAnyHistory, reports, stopClock, storeWith, wrongFields } from './support/operations.ts';
import { latencies } from './support/oracle-operations.ts';
import { expectSame } from './support/same.ts';

stopClock();

const options: fc.Arbitrary<LatencyOptions> = fc
  .tuple(
    reports,
    fc.constantFrom(undefined, [50], [99, 1, 50, 50, 100, 12.5, 99.9]),
    fc.constantFrom(undefined, [0], [0, 0.5, 10, 500, 1e9], [1e12]),
  )
  .map(([report, percentiles, bucketsMs]) => ({ ...report, percentiles, bucketsMs }));

test('agrees with a count by hand', async () => {
  await forAnyHistory(options, async ({ reader }, history, asked) => {
    const { histogram, ...found } = await reader.getLatency(asked);
    const { upTo, ...expected } = latencies(history, asked);
    expectSame(found, expected);
    const ends = asked.bucketsMs ?? [10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
    expect(histogram.map(({ upToMs }) => upToMs)).toEqual([...ends, null]);
    let counted = 0;
    for (const { upToMs, count } of histogram) {
      counted += count;
      const end = upToMs ?? Infinity;
      // What is more than 2 % above an end is above it.
      expect(counted).toBeGreaterThanOrEqual(upTo(end) * (1 - 1e-9));
      expect(counted).toBeLessThanOrEqual(upTo(end * 1.0203) * (1 + 1e-9));
    }
  });
});

test('tells how latencies are distributed', async () => {
  const { reader } = await storeWith([
    ...Array.from({ length: 99 }, (_, at) => execution({ at: now, latencyMs: at + 1 })),
    execution({ at: now, latencyMs: 70_000 }),
    execution({ at: now, latencyMs: undefined }),
  ]);
  const report = await reader.getLatency();
  expectSame(report, {
    latencyMs: { average: (99 * 50 + 70_000) / 100, min: 1, max: 70_000, p50: 50, p95: 95, p99: 99 },
    count: 100,
    percentiles: [
      { percentile: 50, ms: 50 },
      { percentile: 90, ms: 90 },
      { percentile: 95, ms: 95 },
      { percentile: 99, ms: 99 },
    ],
    histogram: report.histogram,
  });
  expect(report.histogram.map(({ count }) => count)).toEqual([10, 40, 49, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  expectSame((await reader.getLatency({ percentiles: [100, 99.5, 1] })).percentiles, [
    { percentile: 100, ms: 70_000 },
    { percentile: 99.5, ms: 70_000 },
    { percentile: 1, ms: 1 },
  ]);
});

test('ends outside of all latencies are told apart exactly', async () => {
  const { reader } = await storeWith([execution({ at: now, latencyMs: 10.05 }), execution({ at: now, latencyMs: 20 })]);
  const { histogram } = await reader.getLatency({ bucketsMs: [10, 20, 21] });
  expect(histogram.map(({ count }) => count)).toEqual([0, 2, 0, 0]);
});

test('latencies of 0 and none at all', async () => {
  const { reader } = await storeWith([execution({ at: now, name: 'quick', latencyMs: 0 })]);
  expect((await reader.getLatency({ bucketsMs: [0, 1] })).histogram).toEqual([
    { upToMs: 0, count: 1 },
    { upToMs: 1, count: 0 },
    { upToMs: null, count: 0 },
  ]);
  expect(await reader.getLatency({ name: 'other', percentiles: [50], bucketsMs: [1] })).toEqual({
    latencyMs: { average: null, min: null, max: null, p50: null, p95: null, p99: null },
    count: 0,
    percentiles: [{ percentile: 50, ms: null }],
    histogram: [
      { upToMs: 1, count: 0 },
      { upToMs: null, count: 0 },
    ],
  });
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  const wrong: [LatencyOptions, string[]][] = [
    [{ percentiles: [0, 50, 100.1], bucketsMs: [2, 1] }, ['bucketsMs', 'percentiles[0]', 'percentiles[2]']],
    [{ percentiles: [0.95, 0.5, 1, 99.9] }, ['percentiles[0]', 'percentiles[1]']],
    [{ percentiles: [], bucketsMs: [-1] }, ['bucketsMs[0]', 'percentiles']],
    [
      { percentiles: 'p50' as never, bucketsMs: [Number.NaN, Infinity] },
      ['bucketsMs[0]', 'bucketsMs[1]', 'percentiles'],
    ],
    [{ percentiles: new Array(2), bucketsMs: [1, 1] }, ['bucketsMs', 'percentiles[0]', 'percentiles[1]']],
    [{ percentiles: new Array(101).fill(50) }, ['percentiles']],
  ];
  for (const [options, fields] of wrong) {
    expect(await wrongFields(reader.getLatency(options))).toEqual(fields);
  }
  await expect(reader.getLatency({ percentiles: [0.95] })).rejects.toThrow(
    'percentiles[0]: must be a percentile (95 is the 95th) from 1 to 100, got 0.95',
  );
});
