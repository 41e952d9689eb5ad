import type { AnalyticsEvent } from '../events/event.ts';

/** A FIFO queue, bounded in events and in bytes. Events stay until they are removed, so those being written count too. */
export interface EventQueue {
  readonly size: number;
  readonly bytes: number;
  /** Adds an event, or returns false if that would exceed a bound. */
  push(event: AnalyticsEvent, bytes: number): boolean;
  /** The oldest events, at most `maxEvents`. */
  peek(maxEvents: number): AnalyticsEvent[];
  /** Removes the `count` oldest events. */
  remove(count: number): void;
}

/** A ring buffer. It never shrinks; a slot takes 16 bytes. */
export function createQueue(maxEvents: number, maxBytes: number): EventQueue {
  // Its length is a power of two, or 0.
  let slots: (AnalyticsEvent | undefined)[] = [];
  /** The size of each event: measuring it again on removal would fetch the event from memory once more. */
  let sizes = new Float64Array();
  let head = 0;
  // A getter of an object's own would make all its properties slow: V8 keeps them in a dictionary then.
  const queue = { size: 0, bytes: 0, push, peek, remove };

  /** Must be called only when all slots are taken. */
  function grow(): void {
    const [full, fullSizes] = [slots, sizes];
    const { length } = full;
    const capacity = Math.max(64, 2 * length);
    slots = new Array(capacity).fill(undefined);
    sizes = new Float64Array(capacity);
    for (let at = 0; at < length; at += 1) {
      const from = (head + at) & (length - 1);
      slots[at] = full[from];
      sizes[at] = fullSizes[from] as number;
    }
    head = 0;
  }

  function push(event: AnalyticsEvent, eventBytes: number): boolean {
    if (queue.size >= maxEvents || queue.bytes + eventBytes > maxBytes) {
      return false;
    }
    if (queue.size === slots.length) {
      grow();
    }
    const at = (head + queue.size) & (slots.length - 1);
    slots[at] = event;
    sizes[at] = eventBytes;
    queue.size += 1;
    queue.bytes += eventBytes;
    return true;
  }

  function peek(count: number): AnalyticsEvent[] {
    const end = head + Math.min(count, queue.size);
    const oldest = slots.slice(head, end);
    return (end > slots.length ? oldest.concat(slots.slice(0, end - slots.length)) : oldest) as AnalyticsEvent[];
  }

  function remove(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      slots[head] = undefined;
      queue.bytes -= sizes[head] as number;
      head = (head + 1) & (slots.length - 1);
    }
    queue.size -= count;
  }

  return queue;
}
