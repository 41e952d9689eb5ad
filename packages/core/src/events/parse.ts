import { optionalNumber, refuse, requiredNumber, requiredObject } from '../values/check.ts';
import type { AnalyticsEvent } from './event.ts';
import type { EventInput } from './input.ts';
import { toEvent } from './normalize.ts';

/** Never used for `id` and `at`, which must be given. */
const defaults = { now: () => 0, newId: () => '', context: () => undefined, errorMessages: true };

/**
 * Makes an event out of data from outside (a file, another program), checked and completed by the rules of `record()`. The data
 * are an `EventInput` with its own `id` and `at`, or an `AnalyticsEvent` that went through JSON: `weight` and `cost.nanoUsd` are
 * kept, and the `bytes` of an artifact, which JSON cannot hold, may be a base64 string. An event that `parseEvent` has
 * returned is returned unchanged.
 * @throws AnalyticsError `INVALID_EVENT` or `TOO_LARGE`; `problems` names the field. Whatever a getter of the data throws.
 */
export function parseEvent(data: unknown): AnalyticsEvent {
  const input = { ...requiredObject(data, 'event') };
  for (const field of ['id', 'at']) {
    if ((input[field] ?? '') === '') {
      refuse(field, 'must be given');
    }
  }
  const weight = optionalNumber(input['weight'], 'weight', 1);
  const nanoUsd = input['type'] === 'execution' ? parseNanoUsd(input['cost']) : undefined;
  if (nanoUsd !== undefined) {
    // Not converted to dollars, in which not every whole number of nano-dollars is exact.
    input['cost'] = { ...(input['cost'] as object), usd: 0 };
  }
  if (input['type'] === 'artifact') {
    input['bytes'] = parseBytes(input['bytes']);
  }
  const event = toEvent(input as unknown as EventInput, defaults);
  const weighted = weight === undefined ? event : { ...event, weight };
  return nanoUsd !== undefined && weighted.type === 'execution' && weighted.cost !== undefined
    ? { ...weighted, cost: { nanoUsd, source: weighted.cost.source } }
    : weighted;
}

function parseNanoUsd(cost: unknown): number | undefined {
  const value = typeof cost === 'object' && cost !== null ? (cost as { nanoUsd?: unknown }).nanoUsd : undefined;
  return value === undefined ? undefined : requiredNumber(value, 'cost.nanoUsd', 0, Number.MAX_SAFE_INTEGER, true);
}

function parseBytes(value: unknown): unknown {
  if (typeof value !== 'string') {
    return value;
  }
  const bytes = Buffer.from(value, 'base64');
  return bytes.toString('base64') === value ? bytes : refuse('bytes', 'must be a Uint8Array, or text in base64');
}
