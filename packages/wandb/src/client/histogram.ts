import { requireForm } from '../require-form.ts';

/** The resolution of a histogram. */
export interface HistogramOptions {
  /** Number of bins, 1 to 512. Default: 64. */
  readonly bins?: number | undefined;
}

/**
 * Counts the values in bins of equal width. Values that are not finite are left out.
 * @throws TypeError for what is no list; RangeError for no finite value, or too many or few bins.
 */
export function histogram(
  values: Iterable<number>,
  { bins = 64 }: HistogramOptions = {},
): Readonly<Record<string, unknown>> {
  requireForm(typeof Object(values)[Symbol.iterator] === 'function', 'histogram: needs a list of numbers');
  const finite = [...values].filter(Number.isFinite);
  if (finite.length === 0 || !Number.isInteger(bins) || bins < 1 || bins > 512) {
    throw new RangeError('histogram: needs a finite number at least, and 1 to 512 bins');
  }
  let low = finite.reduce((a, b) => Math.min(a, b));
  let high = finite.reduce((a, b) => Math.max(a, b));
  if (low === high) {
    // Adding 0.5 to a large number may not change it.
    const half = Math.max(0.5, Math.abs(low) * (bins * Number.EPSILON));
    low = Math.max(low - half, -Number.MAX_VALUE);
    high = Math.min(high + half, Number.MAX_VALUE);
  }
  // The width of large numbers is computed from smaller ones, because it would be infinite. A power of two changes no digit.
  const scale = Number.isFinite((high - low) * bins) ? 1 : 2 ** -11;
  const [start, width] = [low * scale, high * scale - low * scale];
  const edges = Array.from({ length: bins + 1 }, (_, at) =>
    at === bins ? high : (start + (width * at) / bins) / scale,
  );
  const counts = new Array<number>(bins).fill(0);
  for (const value of finite) {
    let at = Math.min(bins - 1, Math.floor(((value * scale - start) / width) * bins));
    // Rounding may hit the bin next to the right one.
    at -= at > 0 && value < (edges[at] as number) ? 1 : 0;
    at += at < bins - 1 && value >= (edges[at + 1] as number) ? 1 : 0;
    counts[at] = (counts[at] as number) + 1;
  }
  return { _type: 'histogram', values: counts, bins: edges };
}
