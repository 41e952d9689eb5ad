const stepMs = 5;

/**
 * Tells how many ms have passed for this thread since then, as its own timers count them: where the machine stands still, or is
 * busy with others, hardly any do. For a bound on what must not take long.
 */
export function ownTime(): { ms(): number } {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, stepMs);
  return {
    ms() {
      clearInterval(timer);
      return ticks * stepMs;
    },
  };
}
