import type { LatencyReport } from '@toolweaver/analytics-core';
import { binOf, type Sketch } from '../sketch.ts';
import type { Db, Filter } from './filter.ts';
import { percentiles, type Totals, toLatency, totals } from './numbers.ts';
import { select } from './selection.ts';

export interface LatencyQuestion {
  readonly filter: Filter;
  readonly percentiles: readonly number[];
  /** Ascending. */
  readonly bucketsMs: readonly number[];
}

export async function latency(db: Db, question: LatencyQuestion): Promise<LatencyReport> {
  const selection = await select(db, question.filter);
  const found = await db.selectFrom(selection.figures.as('c')).select(totals).executeTakeFirstOrThrow();
  const sketch = (await selection.distributions({ latency: true })).get(0)?.latency;
  const rising = [...new Set(question.percentiles)].sort((one, other) => one - other);
  const values = percentiles(found, sketch, rising);
  return {
    count: found.latency_weight,
    latencyMs: toLatency(found, sketch),
    percentiles: question.percentiles.map((percentile) => ({
      percentile,
      ms: values[rising.indexOf(percentile)] ?? null,
    })),
    histogram: histogram(found, sketch, question.bucketsMs),
  };
}

function histogram(
  { latency_min, latency_max }: Totals,
  sketch: Sketch | undefined,
  ends: readonly number[],
): LatencyReport['histogram'] {
  const { bins, weights } = sketch ?? { bins: [], weights: [] };
  let at = 0;
  return [...ends, null].map((upToMs) => {
    // The bin of an end lies below it, so that values equal to the end are included.
    const last = upToMs === null || upToMs >= (latency_max ?? 0) ? Number.POSITIVE_INFINITY : binOf(upToMs);
    let count = 0;
    if (upToMs === null || upToMs >= (latency_min ?? 0)) {
      for (; at < bins.length && (bins[at] as number) <= last; at += 1) {
        count += weights[at] as number;
      }
    }
    return { upToMs, count };
  });
}
