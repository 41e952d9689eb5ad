import type { AnalyticsEvent, ExecutionEvent, JsonValue } from './event.ts';

/** The object itself, its id and its numbers. */
const baseBytes = 200;

/** Estimates the memory of an event in bytes, for the queue's bound in bytes. Names, which are short, count a byte a character. */
export function sizeOf(event: AnalyticsEvent): number {
  if (event.type !== 'execution') {
    return fieldBytes(event);
  }
  const bytes = baseBytes + textBytes(event.runId) + textBytes(event.userId) + textBytes(event.orgId);
  return bytes + event.name.length + (isLean(event) ? 0 : detailBytes(event));
}

/** The size of event types that are recorded less often. */
function fieldBytes(event: AnalyticsEvent): number {
  let bytes = baseBytes;
  for (const field in event) {
    bytes += valueBytes(event[field as keyof AnalyticsEvent]);
  }
  return bytes;
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') {
    return 2 * value.length;
  }
  if (value instanceof Uint8Array) {
    return value.byteLength;
  }
  return typeof value === 'object' ? jsonBytes(value as JsonValue) : 0;
}

/** Most executions are made without any of the fields below; one check is faster than seven. */
function isLean(event: ExecutionEvent): boolean {
  return !('error' in event);
}

function detailBytes({ attributes, error, version, toolkit, model, provider, usage }: ExecutionEvent): number {
  const texts = textBytes(version) + textBytes(toolkit) + textBytes(model) + textBytes(provider);
  const json = attributes === undefined ? 0 : jsonBytes(attributes);
  const failure = error === undefined ? 0 : 100 + error.type.length + 2 * (error.message?.length ?? 0);
  return texts + json + failure + (usage === undefined ? 0 : 150);
}

function textBytes(text: string | undefined): number {
  return text === undefined ? 0 : text.length;
}

function jsonBytes(value: JsonValue): number {
  if (typeof value === 'string') {
    return 16 + 2 * value.length;
  }
  if (typeof value !== 'object' || value === null) {
    return 16;
  }
  let bytes = 32;
  for (const [key, item] of Object.entries(value)) {
    bytes += key.length + jsonBytes(item);
  }
  return bytes;
}
