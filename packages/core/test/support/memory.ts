import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes of heap and of array buffers that what `make` returns keeps alive. */
export function retainedBytes(make: () => unknown): number {
  collectGarbage();
  const before = used();
  const made = make();
  collectGarbage();
  const bytes = used() - before;
  // Read after the measurement, so that it was alive until then.
  return made === undefined ? Number.NaN : bytes;
}

function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
