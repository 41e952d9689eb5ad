/** Calls a listener of the host. What it throws, or rejects with if it is async, is ignored. */
export function tell<T>(listener: ((value: T) => unknown) | undefined, value: T): void {
  try {
    Promise.resolve(listener?.(value)).catch(() => {});
  } catch {
    // The host's error, not ours.
  }
}
