import type { ExponentialValue } from './series.ts';

/** The initial resolution, which is also the finest: buckets 0.07 % apart. */
const maxScale = 10;
/** OpenTelemetry's default. */
const maxBuckets = 160;

export interface ExponentialSeries extends ExponentialValue {
  /** The fraction of an observation left over from the weights so far. */
  rest: number;
}

export function newExponential(): ExponentialSeries {
  return { scale: maxScale, offset: 0, counts: [], zeroCount: 0, sum: 0, rest: 0 };
}

/**
 * Adds `weight` observations of a value >= 0. Counts only whole ones, and carries the fraction over to the next: if buckets were
 * rounded later instead, their sum would change, and even fall, whenever two of them are merged.
 */
export function observeExponential(series: ExponentialSeries, value: number, weight: number): void {
  series.sum += value * weight;
  const due = series.rest + weight;
  const count = Math.floor(due);
  series.rest = due - count;
  if (value < Number.MIN_VALUE) {
    series.zeroCount += count;
    return;
  }
  let index = indexOf(value, series.scale);
  const { counts } = series;
  if (counts.length === 0) {
    series.offset = index;
  }
  while (span(series, index) > maxBuckets) {
    halve(series);
    index = indexOf(value, series.scale);
  }
  while (index < series.offset) {
    counts.unshift(0);
    series.offset -= 1;
  }
  const at = index - series.offset;
  while (counts.length <= at) {
    counts.push(0);
  }
  counts[at] = (counts[at] as number) + count;
}

/**
 * The bucket of a value: the whole number i with `base ** i < value <= base ** (i + 1)`.
 * https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
 */
function indexOf(value: number, scale: number): number {
  const index = Math.ceil(Math.log2(value) * 2 ** scale) - 1;
  // The logarithm of an exact power of the base may be off by its last bit.
  return value <= 2 ** (index * 2 ** -scale) ? index - 1 : index;
}

function span({ offset, counts }: ExponentialValue, index: number): number {
  return Math.max(offset + counts.length - 1, index) - Math.min(offset, index) + 1;
}

/** Merges neighbouring buckets in pairs. */
function halve(series: ExponentialValue): void {
  const { offset, counts } = series;
  const halved = Math.floor(offset / 2);
  const merged: number[] = [];
  for (const [at, count] of counts.entries()) {
    const index = Math.floor((offset + at) / 2) - halved;
    merged[index] = (merged[index] ?? 0) + count;
  }
  counts.splice(0, counts.length, ...merged);
  series.offset = halved;
  series.scale -= 1;
}
