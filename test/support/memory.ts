import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
export const collectGarbage: () => void = runInNewContext('gc');

/** Bytes of heap that are still reachable. */
export function liveBytes(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Bytes of heap that what `make` returns keeps alive. */
export function retainedBytes(make: () => unknown): number {
  // What the first time costs for ever (compiled code, caches) is not meant.
  make();
  const before = liveBytes();
  const made = make();
  const bytes = liveBytes() - before;
  // Read after the measurement, so that it was alive until then.
  return made === undefined ? Number.NaN : bytes;
}
