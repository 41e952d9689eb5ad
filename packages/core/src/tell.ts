/** Calls a listener of the host's. What it throws, or rejects with where it is async, is the host's own affair. */
export function tell<T>(listener: ((value: T) => unknown) | undefined, value: T): void {
  try {
    Promise.resolve(listener?.(value)).catch(() => {});
  } catch {
    // As if it had listened.
  }
}
