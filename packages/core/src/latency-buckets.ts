/** The upper bounds of a latency's buckets, in ms, where the user names none. */
export const defaultLatencyBucketsMs: readonly number[] = [
  10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000,
];
