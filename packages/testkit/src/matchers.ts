import assert from 'node:assert/strict';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { AnalyticsEvent, DeliveryStats, EventType } from '@toolweaver/analytics-core';

type EventOf<T extends EventType> = Extract<AnalyticsEvent, { readonly type: T }>;
/** Any of the fields of an event, and of the objects in it. */
export type EventPattern<T extends EventType = EventType> = T extends EventType
  ? { readonly type?: T | undefined } & DeepPartial<Omit<EventOf<T>, 'type'>>
  : never;
type DeepPartial<T> = T extends readonly unknown[] | Uint8Array | string | number | boolean
  ? T
  : string extends keyof T
    ? { readonly [key: string]: unknown }
    : { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined };

/** Options of `expectRecorded`. */
export interface ExpectRecordedOptions {
  /** The exact number of events that have to match. Default: at least one. */
  readonly times?: number | undefined;
}

/**
 * Asserts that events match a pattern, and returns those that do, in order. Every field of the pattern has to be equal:
 * objects are compared field by field, arrays and bytes as a whole, and `undefined` requires that the field is absent.
 * @throws AssertionError that shows what was recorded and, of the closest event, which fields differ.
 */
export function expectRecorded<T extends EventType = EventType>(
  events: readonly AnalyticsEvent[],
  pattern: EventPattern<T>,
  { times }: ExpectRecordedOptions = {},
): EventOf<T>[] {
  assertEvents(events);
  assert.ok(times === undefined || Number.isInteger(times), `times must be a whole number, got ${show(times)}`);
  const compared = events.map((event) => ({ event, wrong: mismatches(event, pattern) }));
  const matching = compared.filter(({ wrong }) => wrong.length === 0).map(({ event }) => event as EventOf<T>);
  if (times === undefined ? matching.length > 0 : matching.length === times) {
    return matching;
  }
  const wanted = times === undefined ? 'at least one event' : `${times} event${times === 1 ? '' : 's'}`;
  const lines = [`expected ${wanted} like ${show(pattern)}, found ${matching.length} among ${events.length}`];
  const [closest] = compared
    .filter(({ wrong }) => wrong.length > 0)
    .sort((one, other) => one.wrong.length - other.wrong.length);
  if (matching.length > 0) {
    lines.push('matching:', ...matching.map((event) => `  ${show(event)}`));
  }
  if (closest !== undefined && matching.length < (times ?? 1)) {
    lines.push(`closest: ${show(closest.event)}`, ...closest.wrong.map((difference) => `  ${difference}`));
  }
  return assert.fail(lines.join('\n'));
}

/**
 * Asserts that no event of any backend is unaccounted for: `accepted = delivered + queued + the sum of dropped`.
 * @throws AssertionError with the figures of every backend whose ledger does not hold.
 */
export function ledgerHolds(stats: DeliveryStats): void {
  assert.ok(typeof Object(stats).backends === 'object', 'stats must be what `stats()` of a client gives');
  const wrong = Object.entries(stats.backends).flatMap(([name, { accepted, delivered, queued, dropped }]) => {
    const figures = Object.entries({ accepted, delivered, queued, ...dropped });
    const odd = figures.filter(([, count]) => !Number.isSafeInteger(count) || count < 0);
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    const difference = accepted - delivered - queued - lost;
    if (odd.length === 0 && difference === 0) {
      return [];
    }
    const sides = `accepted ${accepted}, but delivered ${delivered} + queued ${queued} + dropped ${lost}`;
    const reasons = Object.entries(dropped).filter(([, count]) => count !== 0);
    const why = reasons.length === 0 ? '' : ` (${reasons.map(([reason, count]) => `${reason} ${count}`).join(', ')})`;
    const balance = difference === 0 ? '' : `; ${Math.abs(difference)} ${difference > 0 ? 'missing' : 'too many'}`;
    const oddity = odd.map(([figure, count]) => `; ${figure} is ${count}, which is no count`).join('');
    return [`${name}: ${sides}${why}${balance}${oddity}`];
  });
  assert.ok(wrong.length === 0, `the ledger does not hold:\n  ${wrong.join('\n  ')}`);
}

export function assertEvents(events: unknown): void {
  assert.ok(Array.isArray(events), 'events must be an array: the `events` of memory(), not the backend itself');
}

function mismatches(actual: unknown, pattern: unknown, path = ''): string[] {
  if (isPlain(pattern) && isPlain(actual)) {
    return Object.entries(pattern).flatMap(([key, value]) =>
      mismatches(Object.hasOwn(actual, key) ? actual[key] : undefined, value, path === '' ? key : `${path}.${key}`),
    );
  }
  return equal(actual, pattern) ? [] : [`${path}: is ${show(actual)}, expected ${show(pattern)}`];
}

function equal(actual: unknown, expected: unknown): boolean {
  if (ArrayBuffer.isView(actual) && ArrayBuffer.isView(expected)) {
    // Tests may expect a `Buffer` where the event has a `Uint8Array`: only the bytes count.
    return bytesOf(actual).equals(bytesOf(expected));
  }
  return isDeepStrictEqual(actual, expected);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

export function show(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 20, maxStringLength: 300 });
}
