/** By trial, the seeds at which chance once found a bug: each run tries them again, beside a seed that is new. */
export const pinnedSeeds: Readonly<Record<string, readonly number[]>> = {
  // W&B opened a run while the clock threw, and lost the batch.
  R23: [2_819_728_226],
};
