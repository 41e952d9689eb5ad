/** The values of a metric's labels. Metrics with the same label names may share them. */
export interface LabelSet {
  /** In the order of the metric's labels; '' where unknown. */
  readonly labels: readonly string[];
  /** Whether it stands for all label sets after the limit; the limited labels are '' then. */
  readonly isOverflow: boolean;
}

/**
 * Observations >= 0 in buckets of exponentially growing width that adapt to the observed values, as OpenTelemetry defines them:
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
