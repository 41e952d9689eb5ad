import type { Backend } from './backend.ts';
import { configError } from './errors.ts';
import type { AnalyticsEvent } from './events/event.ts';
import { describe } from './values/describe.ts';
import { unknownOptions } from './values/unknown.ts';

/** A backend that keeps events in memory. */
export interface MemoryBackend extends Backend {
  /** The delivered events, in order. */
  readonly events: readonly AnalyticsEvent[];
  /** Forgets everything delivered so far. */
  clear(): void;
}

/** The backend's name, and how many events it keeps. */
export interface MemoryOptions {
  /** Default: `memory`. */
  readonly name?: string | undefined;
  /** How many events to keep, the newest ones. Default: all. */
  readonly maxEvents?: number | undefined;
}

/**
 * Makes a backend that keeps events in memory: the reference backend, and the one for tests.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function memory(options: MemoryOptions = {}): MemoryBackend {
  const problems = unknownOptions(options, { name: true, maxEvents: true } satisfies Record<keyof MemoryOptions, true>);
  const { name = 'memory', maxEvents = Number.POSITIVE_INFINITY }: MemoryOptions = Object(options);
  if (!(typeof maxEvents === 'number' && maxEvents >= 1)) {
    problems.push({ field: 'maxEvents', message: `must be a number >= 1, got ${describe(maxEvents)}` });
  }
  if (problems.length > 0) {
    throw configError(problems);
  }
  const byId = new Map<string, AnalyticsEvent>();
  function write(events: readonly AnalyticsEvent[]): void {
    for (const event of events) {
      if (!byId.has(event.id)) {
        byId.set(event.id, event);
      }
    }
    for (const id of byId.keys()) {
      if (byId.size <= maxEvents) {
        break;
      }
      byId.delete(id);
    }
  }
  return {
    name,
    delivery: { maxEvents: 1000, maxDelayMs: 50 },
    settings: { maxEvents: options.maxEvents ?? null },
    write,
    writeSync: write,
    async check() {},
    get events() {
      return [...byId.values()];
    },
    clear: () => byId.clear(),
  };
}
