import type { AnalyticsEvent, EventInput } from '../../src/index.ts';

/** A valid event with nothing but a name. */
export function skill(name: string): EventInput {
  return { type: 'execution', kind: 'skill', name, success: true };
}

/** `e1`, `e2` … as far as asked, from a number on. */
export function names(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, at) => `e${from + at}`);
}

export function namesOf(events: readonly AnalyticsEvent[]): string[] {
  return events.map((event) => ('name' in event ? (event.name ?? '') : event.type));
}
