type Work = (signal: AbortSignal) => unknown;

/**
 * One call of `work` at a time, for all who ask before it begins. Its signal is that of who waits longest for it, so it is aborted
 * when nobody waits any more. `until` is when the signal of a caller is aborted, on any clock.
 */
export function singleFlight(work: Work): (signal: AbortSignal, until: number) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let longest: AbortSignal;
  let end = 0;
  return (signal, until) => {
    if (next === undefined || until >= end) {
      longest = signal;
      end = until;
    }
    next ??= last.then(async () => {
      next = undefined;
      if (!longest.aborted) {
        await work(longest);
      }
    });
    // Also where nobody waits for it any more.
    last = next.catch(() => {});
    return next;
  };
}
