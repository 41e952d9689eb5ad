import { type Clock, createAnalytics } from '@toolweaver/analytics-core';
import { workload } from './data.ts';

// Prints how many bytes of heap a queued event takes. Needs --expose-gc.

export interface HeapTask {
  readonly events: number;
  /** The number of events that share a millisecond; null: as many as the machine records. */
  readonly perMs: number | null;
  readonly load: 'plain' | 'fresh names' | 'tokens';
}

/** Events of the same kind to record first, so that one-time allocations do not count. */
const before = 5_000;

const { events, perMs, load } = JSON.parse(process.argv[2] as string) as HeapTask;
const { at } = workload({ orgs: true, tokens: load === 'tokens' });
let recorded = 0;
const startedAt = Date.now();
const machineClock: Clock = {
  now: () => (perMs === null ? Date.now() : startedAt + Math.floor(recorded / perMs)),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
const client = createAnalytics({
  backends: [
    {
      name: 'waiting',
      // A batch that never fills, so everything stays in the queue.
      delivery: { maxEvents: 2 ** 20, maxDelayMs: 2 ** 31 - 1 },
      settings: {},
      write: () => new Promise(() => {}),
    },
  ],
  clock: machineClock,
});

function recordTo(count: number): void {
  for (; recorded < count; recorded += 1) {
    const execution = at(recorded);
    client.recordSkillExecution(load === 'fresh names' ? { ...execution, userId: `somebody-${recorded}` } : execution);
  }
}

function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

recordTo(before);
const bytesBefore = heapBytes();
recordTo(before + events);
const bytes = heapBytes() - bytesBefore;
const queued = client.stats().backends['waiting']?.queued;
if (globalThis.gc === undefined || queued !== before + events) {
  throw new Error(`needs --expose-gc, and a queue of ${before + events}; it holds ${queued}`);
}
process.stdout.write(`${bytes / events}\n`);
// Exit without delivering the events.
process.exit();
