import { expect } from 'vitest';
import { AnalyticsError, type AnalyticsEvent, type DropReason, type ErrorCode } from '../../src/index.ts';
import { namesOf } from './events.ts';
import { type FarSide, type Hanging, hanging } from './far-side.ts';

/** How the far side behaves for now. */
export type Mood = 'well' | 'hangs' | 'picky' | ErrorCode;

export interface Limits {
  readonly maxEvents: number;
  readonly maxQueueEvents: number;
  readonly maxAttempts: number;
}

/** What must be true of one queued backend, worked out from nothing but the calls and the answers of the far side. */
export interface Model {
  mood: Mood;
  /** Names of what waits or is under way, in order. */
  readonly queue: readonly string[];
  readonly delivered: readonly string[];
  readonly lost: readonly string[];
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  readonly accepted: number;
  record(name: string): void;
  refuse(reason: DropReason): void;
  /** Lets a hanging write end. */
  release(mood: Mood): void;
}

const retried: readonly string[] = ['BACKEND_UNAVAILABLE', 'STORAGE_FULL'];
const divided: readonly string[] = ['EVENTS_REJECTED', 'TOO_LARGE'];
const reasons: { readonly [code: string]: DropReason } = {
  EVENTS_REJECTED: 'rejected',
  TOO_LARGE: 'too_large',
  STORAGE_FULL: 'storage_full',
};

/** A far side picky about names: those that end in 7. */
function codeFor(mood: Mood, batch: readonly string[]): string | undefined {
  if (mood === 'picky') {
    return batch.some((name) => name.endsWith('7')) ? 'EVENTS_REJECTED' : undefined;
  }
  return mood === 'well' ? undefined : mood;
}

/** `assert` runs a check; inside a write a failed one must not look like an answer of the far side. */
export function modelOf(
  side: FarSide,
  { maxEvents, maxQueueEvents, maxAttempts }: Limits,
  assert: (check: () => void) => void,
): Model {
  const dropped: Partial<Record<DropReason, number>> = {};
  const delivered: string[] = [];
  const lost: string[] = [];
  let queue: string[] = [];
  let accepted = 0;
  let attempts = 0;
  let stuck: { readonly hanging: Hanging; readonly batch: readonly string[] } | undefined;
  let closed = false;
  /** What the next batch must be, where that is known. */
  let next: ((batch: readonly string[]) => void) | undefined;

  function lose(names: readonly string[], reason: DropReason): void {
    dropped[reason] = (dropped[reason] ?? 0) + names.length;
    lost.push(...names);
  }

  /** The far side has answered. */
  function answered(batch: readonly string[], mood: Mood): void {
    if (closed) {
      return;
    }
    const code = codeFor(mood, batch);
    if (code !== undefined && retried.includes(code)) {
      attempts += 1;
      if (attempts < maxAttempts) {
        next = (again) => expect(again).toEqual(batch);
        return;
      }
    }
    attempts = 0;
    if (code !== undefined && divided.includes(code) && batch.length > 1) {
      next = (half) => expect(half).toEqual(batch.slice(0, Math.ceil(batch.length / 2)));
      return;
    }
    queue = queue.slice(batch.length);
    if (code === undefined) {
      delivered.push(...batch);
    } else {
      lose(batch, reasons[code] ?? 'send_failed');
    }
  }

  function answer(batch: readonly string[], mood: Mood): void {
    answered(batch, mood);
    const code = codeFor(mood, batch);
    if (code !== undefined) {
      throw new AnalyticsError(code as ErrorCode, code);
    }
  }

  const model: Model = {
    mood: 'well',
    get queue() {
      return queue;
    },
    delivered,
    lost,
    dropped,
    get accepted() {
      return accepted;
    },
    record(name) {
      accepted += 1;
      if (queue.length < maxQueueEvents) {
        queue.push(name);
      } else {
        dropped.queue_full = (dropped.queue_full ?? 0) + 1;
      }
    },
    refuse(reason) {
      accepted += 1;
      dropped[reason] = (dropped[reason] ?? 0) + 1;
    },
    release(mood) {
      const held = stuck;
      stuck = undefined;
      if (held !== undefined) {
        try {
          answer(held.batch, mood);
          held.hanging.succeed();
        } catch (error) {
          held.hanging.fail(error);
        }
      }
    },
  };

  side.answer = (events: readonly AnalyticsEvent[]) => {
    const batch = namesOf(events);
    const check = next;
    next = undefined;
    assert(() => {
      expect(batch).toEqual(queue.slice(0, batch.length));
      expect(batch.length).toBeLessThanOrEqual(maxEvents);
      check?.(batch);
    });
    if (model.mood === 'hangs') {
      stuck = { hanging: hanging(), batch };
      return stuck.hanging.answer();
    }
    answer(batch, model.mood);
    return undefined;
  };
  side.release = () => {
    closed = true;
    lose(queue, 'shutdown_timeout');
    queue = [];
  };
  return model;
}
