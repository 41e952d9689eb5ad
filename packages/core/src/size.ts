import type { AnalyticsEvent, JsonValue } from './event.ts';

/** The object itself, its id and its numbers. */
const baseBytes = 200;

/** About how many bytes of memory an event holds: what the queue's second bound counts. */
export function sizeOf(event: AnalyticsEvent): number {
  let bytes = baseBytes + textBytes(event.userId) + textBytes(event.orgId);
  if (event.attributes !== undefined) {
    bytes += jsonBytes(event.attributes);
  }
  switch (event.type) {
    case 'execution':
      bytes += textBytes(event.name);
      if (event.error !== undefined) {
        bytes += 100 + textBytes(event.error.type) + textBytes(event.error.message);
      }
      return event.usage === undefined ? bytes : bytes + 150;
    case 'rating':
      return bytes + textBytes(event.comment);
    case 'metrics':
      return bytes + jsonBytes(event.values);
    case 'run':
      return bytes + jsonBytes(event.config ?? null) + jsonBytes(event.summary ?? null) + jsonBytes(event.tags ?? null);
    case 'artifact':
      return bytes + textBytes(event.path) + (event.bytes?.byteLength ?? 0);
    default:
      return bytes;
  }
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
