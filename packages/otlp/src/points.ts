import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import type { Cells, ExponentialValue, Family, HistogramFamily } from '@toolweaver/analytics-metrics';
import { attributesOf } from './attributes.ts';

/** Returns all series with their totals since `startMs`, as OpenTelemetry's SDK would have collected them at `nowMs`. */
export type Collect = (nowMs: number) => MetricData[];

/** `startMs` and `nowMs` are Unix times in ms. */
export function createCollect(cells: Cells, startMs: number): Collect {
  let startedMs = startMs;
  /** Attributes by family, in the order of its series, which are never removed. Making them is half the cost of collecting. */
  const known = new Map<Family, Attributes[]>();

  return (nowMs) => {
    // If the clock was set back, points would otherwise end before they begin; a later end would hide all values until then.
    startedMs = Math.min(startedMs, nowMs);
    const [startTime, endTime] = [toHrTime(startedMs), toHrTime(nowMs)];
    return cells
      .families()
      .filter(({ labelSets }) => labelSets.length > 0)
      .map((family) => {
        const { metric, labelSets } = family;
        const attributes = known.get(family) ?? [];
        known.set(family, attributes);
        for (const labelSet of labelSets.slice(attributes.length)) {
          attributes.push(attributesOf(metric.labels, labelSet));
        }
        return toMetricData(family, (at) => ({ startTime, endTime, attributes: attributes[at] as Attributes }));
      });
  };
}

type Frame = (at: number) => Omit<DataPoint<unknown>, 'value'>;

function toMetricData(family: Family, frame: Frame): MetricData {
  const { name, help: description, unit, type, bounds = [] } = family.metric;
  const points = <V>(value: (at: number) => V): DataPoint<V>[] =>
    family.labelSets.map((_, at) => ({ ...frame(at), value: value(at) }));
  const common = {
    // Always floating point: sums of weights and of money are fractional, and a series must not change its type later.
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  switch (family.kind) {
    case 'explicit': {
      const dataPoints = points(readHistograms(family, [...bounds]));
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
    case 'exponential': {
      const dataPoints = points((at) => toExponential(family.value(at)));
      return { ...common, dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM, dataPoints };
    }
    case 'number': {
      const dataPoints = points(family.value);
      return type === 'counter'
        ? { ...common, dataPointType: DataPointType.SUM, dataPoints, isMonotonic: true }
        : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
    }
  }
}

function readHistograms(family: HistogramFamily, boundaries: number[]): (at: number) => Histogram {
  const weights = new Float64Array(boundaries.length + 1);
  return (at) => {
    const sum = family.read(at, weights);
    const { counts, count } = whole(weights);
    return { buckets: { boundaries, counts }, count, sum };
  };
}

function toExponential({ scale, offset, counts, zeroCount, sum }: ExponentialValue): ExponentialHistogram {
  return {
    scale,
    positive: { offset, bucketCounts: [...counts] },
    negative: { offset: 0, bucketCounts: [] },
    zeroCount,
    count: counts.reduce((all, one) => all + one, zeroCount),
    sum,
  };
}

/** Rounds each bucket: OTLP counts observations in whole numbers, and a histogram's count must be the sum of its buckets. */
function whole(weights: Float64Array): { counts: number[]; count: number } {
  const counts: number[] = [];
  let count = 0;
  // `Array.from` takes several times as long for an array of doubles, and a push has ten thousand of these.
  for (let at = 0; at < weights.length; at += 1) {
    const rounded = Math.round(weights[at] as number);
    counts.push(rounded);
    count += rounded;
  }
  return { counts, count };
}

function toHrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
