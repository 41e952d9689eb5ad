import type { AnalyticsEvent } from '../events/event.ts';

/** First in, first out, bounded twice. Events stay until they are removed, so what is under way counts too. */
export interface EventQueue {
  readonly size: number;
  readonly bytes: number;
  /** False when a bound would be passed; the event is not taken then. */
  push(event: AnalyticsEvent, bytes: number): boolean;
  /** The oldest, at most `maxEvents`. */
  peek(maxEvents: number): AnalyticsEvent[];
  /** Removes the oldest. */
  remove(count: number): void;
}

export function createQueue(maxEvents: number, maxBytes: number): EventQueue {
  let events: AnalyticsEvent[] = [];
  /** Of each event: to measure them again would have to fetch them from memory once more. */
  let sizes: number[] = [];
  let head = 0;
  let bytes = 0;
  return {
    get size() {
      return events.length - head;
    },
    get bytes() {
      return bytes;
    },
    push(event, eventBytes) {
      if (events.length - head >= maxEvents || bytes + eventBytes > maxBytes) {
        return false;
      }
      events.push(event);
      sizes.push(eventBytes);
      bytes += eventBytes;
      return true;
    },
    peek: (count) => events.slice(head, head + count),
    remove(count) {
      for (let at = head; at < head + count; at += 1) {
        bytes -= sizes[at] as number;
        // Removed events must not stay reachable.
        events[at] = undefined as never;
      }
      head += count;
      // To move the rest on each removal would be quadratic.
      if (head >= events.length / 2) {
        events = events.slice(head);
        sizes = sizes.slice(head);
        head = 0;
      }
    },
  };
}
