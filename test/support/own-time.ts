const stepMs = 5;

/**
 * Measures how many ms pass for this thread, as counted by its own timers: hardly any while the machine is suspended or busy
 * with other processes. For time limits in tests.
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
