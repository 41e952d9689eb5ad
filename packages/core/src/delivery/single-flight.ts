type Work = (signal: AbortSignal) => unknown;

/**
 * Runs one `work` at a time, for all callers that ask before it begins. Its signal is that of the caller that waits longest, so
 * it is aborted when nobody waits any more. `until` is when the caller's signal is aborted, on any one clock.
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
    // Handles a rejection even if nobody waits for it any more.
    last = next.catch(() => {});
    return next;
  };
}
