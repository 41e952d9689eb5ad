import { setTimeout } from 'node:timers/promises';

/** Waits for what happens by itself; a generous bound, for busy machines. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error(`${what} did not happen within 10 s`);
    }
    await setTimeout(2);
  }
}
