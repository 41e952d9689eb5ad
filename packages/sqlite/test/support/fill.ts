import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { parseEvent } from '@toolweaver/analytics-core/backend';
import { sqlite } from '@toolweaver/analytics-sqlite';
import fc from 'fast-check';
import { events } from './any-event.ts';

/** Any events of which core would make exactly these. */
export const recordable: fc.Arbitrary<AnalyticsEvent> = events.filter((event) => {
  try {
    parseEvent(event);
    return true;
  } catch {
    // A name may not be blank.
    return false;
  }
});

/** Some events of every type, others in every run of the tests. */
export function sampleEvents(count: number): AnalyticsEvent[] {
  return fc.sample(recordable, count);
}

/** A database with these events, that nobody has open. */
export async function fill(path: string, given: readonly AnalyticsEvent[]): Promise<string> {
  const backend = await sqlite({ path });
  for (let start = 0; start < given.length; start += 5000) {
    await backend.write(given.slice(start, start + 5000));
  }
  await backend.close?.();
  return path;
}

export function byId<E extends { readonly id: string }>(some: readonly E[]): E[] {
  return some.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}
