/** The values of a metric's labels. Metrics whose labels have the same names may share them. */
export interface LabelSet {
  /** In the order of the metric's labels; '' where unknown. */
  readonly labels: readonly string[];
  /** Whether they stand for all label sets that came after the limit; then the labels that were limited are ''. */
  readonly isOverflow: boolean;
}

/**
 * Observations >= 0 in buckets of exponentially growing width that adapt to what is observed, as OpenTelemetry defines them:
 * `counts[i]` observations were above `base ** (offset + i)` and at most `base ** (offset + i + 1)`, where
 * `base = 2 ** (2 ** -scale)`.
 */
export interface ExponentialValue {
  scale: number;
  offset: number;
  readonly counts: number[];
  zeroCount: number;
  sum: number;
}
