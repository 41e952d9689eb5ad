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

/**
 * A ring whose slots are emptied, also those that it leaves behind when it grows: until its next full collection, V8 takes what an old
 * array holds for alive, though nothing holds that array any more, and so would keep thousands of delivered events. It stays as large as
 * it ever was, which is 16 bytes a slot.
 */
export function createQueue(maxEvents: number, maxBytes: number): EventQueue {
  // As many as a power of two, or none.
  let slots: (AnalyticsEvent | undefined)[] = [];
  /** Of each event: to measure them again would have to fetch them from memory once more. */
  let sizes = new Float64Array();
  let head = 0;
  let size = 0;
  let bytes = 0;

  /** To be called when all slots are taken. */
  function grow(): void {
    const [full, fullSizes] = [slots, sizes];
    const capacity = Math.max(64, 2 * size);
    slots = new Array(capacity).fill(undefined);
    sizes = new Float64Array(capacity);
    for (let at = 0; at < size; at += 1) {
      const from = (head + at) & (size - 1);
      slots[at] = full[from];
      sizes[at] = fullSizes[from] as number;
    }
    full.fill(undefined);
    head = 0;
  }

  return {
    get size() {
      return size;
    },
    get bytes() {
      return bytes;
    },
    push(event, eventBytes) {
      if (size >= maxEvents || bytes + eventBytes > maxBytes) {
        return false;
      }
      if (size === slots.length) {
        grow();
      }
      const at = (head + size) & (slots.length - 1);
      slots[at] = event;
      sizes[at] = eventBytes;
      size += 1;
      bytes += eventBytes;
      return true;
    },
    peek(count) {
      const end = head + Math.min(count, size);
      const oldest = slots.slice(head, end);
      return (end > slots.length ? oldest.concat(slots.slice(0, end - slots.length)) : oldest) as AnalyticsEvent[];
    },
    remove(count) {
      for (let left = count; left > 0; left -= 1) {
        slots[head] = undefined;
        bytes -= sizes[head] as number;
        head = (head + 1) & (slots.length - 1);
      }
      size -= count;
    },
  };
}
