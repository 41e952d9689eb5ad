import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import type { Cells, ExponentialSeries, Family, HistogramSeries, Metric, Series } from '@toolweaver/analytics-metrics';
import { attributesOf } from './attributes.ts';

/** Reads all series, as they have added up since `startMs`, as OpenTelemetry's SDK would have collected them by `nowMs`. */
export type Collect = (nowMs: number) => MetricData[];

/** `startMs` and `nowMs` are Unix times in ms. */
export function createCollect(cells: Cells, startMs: number): Collect {
  const startTime = toHrTime(startMs);
  /** By family, in the order of its series, of which none ever goes: made once, they are half of what collecting costs. */
  const known = new Map<Family, Attributes[]>();

  return (nowMs) => {
    // A clock that was set back would make points that end before they begin.
    const endTime = toHrTime(Math.max(nowMs, startMs));
    return cells
      .families()
      .filter(({ series }) => series.length > 0)
      .map((family) => {
        const { metric, series } = family;
        const attributes = known.get(family) ?? [];
        known.set(family, attributes);
        return toMetricData(metric, series, (one, at) => {
          attributes[at] ??= attributesOf(metric, one);
          return { startTime, endTime, attributes: attributes[at] };
        });
      });
  };
}

type Frame = (series: Series, at: number) => Omit<DataPoint<unknown>, 'value'>;

function toMetricData(metric: Metric, series: readonly Series[], frame: Frame): MetricData {
  const { name, help: description, unit, type } = metric;
  const points = <S extends Series, V>(value: (one: S) => V): DataPoint<V>[] =>
    (series as readonly S[]).map((one, at) => ({ ...frame(one, at), value: value(one) }));
  const common = {
    // Always floating point: sums of weights and of money are fractional, and a series must not change its type on the way.
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (type === 'histogram') {
    return 'scale' in (series[0] as Series)
      ? { ...common, dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM, dataPoints: points(toExponential) }
      : {
          ...common,
          dataPointType: DataPointType.HISTOGRAM,
          dataPoints: points((one: HistogramSeries) => toHistogram(one, metric.bounds as number[])),
        };
  }
  const dataPoints = points(({ value }: Series & { value: number }) => value);
  return type === 'counter'
    ? { ...common, dataPointType: DataPointType.SUM, dataPoints, isMonotonic: true }
    : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
}

function toHistogram({ counts: weights, sum }: HistogramSeries, boundaries: number[]): Histogram {
  const { counts, count } = whole(weights);
  return { buckets: { boundaries, counts }, count, sum };
}

function toExponential({ scale, offset, counts: weights, zeroCount, sum }: ExponentialSeries): ExponentialHistogram {
  const { counts: bucketCounts, count } = whole(weights);
  const zeros = Math.round(zeroCount);
  return {
    scale,
    positive: { offset, bucketCounts },
    negative: { offset: 0, bucketCounts: [] },
    zeroCount: zeros,
    count: count + zeros,
    sum,
  };
}

/** OTLP has whole numbers for observations, and asks that buckets add up: each is rounded, and the sum is theirs. */
function whole(weights: readonly number[]): { counts: number[]; count: number } {
  const counts = weights.map(Math.round);
  return { counts, count: counts.reduce((sum, one) => sum + one, 0) };
}

function toHrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
