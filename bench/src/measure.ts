export interface Sample {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

export function summarize(values: readonly number[]): Sample {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.length - 1;
  const median = ((sorted[Math.floor(last / 2)] as number) + (sorted[Math.ceil(last / 2)] as number)) / 2;
  return { median, low: sorted[0] as number, high: sorted[last] as number, rounds: sorted.length };
}

export function medianOf(values: readonly number[]): number {
  return summarize(values).median;
}

/** Returns a quantile by nearest rank: the smallest value that at least `share` of the values do not exceed. */
export function quantileOf(values: Iterable<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}

/** Combines two arms round by round, so that a lasting disturbance, which hits both, cancels out. */
export function paired(
  left: readonly number[],
  right: readonly number[],
  combine: (left: number, right: number) => number,
): Sample {
  return summarize(left.map((value, round) => combine(value, right[round] as number)));
}

/**
 * Runs every arm once a round, alternately forwards and backwards, so that a machine that becomes slower or busier affects
 * all arms alike. A first round that does not count warms up code and the caches of the system.
 */
export async function interleave<K extends string, R>(
  rounds: number,
  arms: Readonly<Record<K, () => R | Promise<R>>>,
  progress: (text: string) => void,
  warmUp = true,
): Promise<Record<K, R[]>> {
  const order = Object.entries(arms) as [K, () => R | Promise<R>][];
  const results = Object.fromEntries(order.map(([name]) => [name, []])) as unknown as Record<K, R[]>;
  for (let round = warmUp ? 0 : 1; round <= rounds; round += 1) {
    for (const [name, run] of round % 2 === 0 ? order : order.toReversed()) {
      progress(round === 0 ? `warming up, ${name}` : `round ${round} of ${rounds}, ${name}`);
      const result = await run();
      if (round > 0) {
        results[name].push(result);
      }
    }
  }
  return results;
}

/** Returns the CPU time that this thread (not the process) takes for the work, in ns. */
export async function threadCpuNs(work: () => void | Promise<void>): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) * 1000;
}
