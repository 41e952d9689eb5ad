type Work = (signal: AbortSignal) => unknown;

interface Flight {
  readonly done: Promise<void>;
  readonly controller: AbortController;
  /** How many still wait for it. */
  waiting: number;
}

/** One call of `work` at a time, for all who ask before it begins. It is aborted when none of them waits any more. */
export function singleFlight(work: Work): (signal: AbortSignal) => Promise<void> {
  let under: Promise<void> = Promise.resolve();
  let next: Flight | undefined;

  function begin(): Flight {
    const controller = new AbortController();
    const { signal } = controller;
    const done = under.then(async () => {
      if (next === flight) {
        next = undefined;
      }
      if (!signal.aborted) {
        await work(signal);
      }
    });
    const flight: Flight = { done, controller, waiting: 0 };
    // Also where nobody waits for it any more.
    under = done.catch(() => {});
    return flight;
  }

  return (signal) => {
    if (next === undefined || next.controller.signal.aborted) {
      next = begin();
    }
    const flight = next;
    flight.waiting += 1;
    signal.addEventListener('abort', () => {
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        flight.controller.abort(signal.reason);
      }
    });
    return flight.done;
  };
}
