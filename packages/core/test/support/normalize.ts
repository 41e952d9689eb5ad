import type { Defaults } from '../../src/events/common.ts';
import { toEvent } from '../../src/events/normalize.ts';
import { AnalyticsError, type AnalyticsEvent, type EventInput } from '../../src/index.ts';
import type { Surroundings } from '../../src/tracking/context.ts';

export const madeId = '01890a5d-ac96-774b-bcce-b302099a8057';
export const nowMs = 1_767_225_600_000;

export function defaults(context?: Surroundings, errorMessages = true): Defaults {
  return { now: () => nowMs, newId: () => madeId, context: () => context, errorMessages };
}

/** What becomes of an input of any shape. */
export function eventOf(input: unknown, context?: Surroundings): AnalyticsEvent {
  return toEvent(input as EventInput, defaults(context));
}

/** The fields that an event really has: unknown ones may be missing or undefined. */
export function known(event: AnalyticsEvent): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
}

/** Why an input is refused. */
export function refusalOf(input: unknown): AnalyticsError {
  try {
    eventOf(input);
  } catch (thrown) {
    if (thrown instanceof AnalyticsError) {
      return thrown;
    }
    throw thrown;
  }
  throw new Error('the input was accepted');
}

/** A valid input of each type with every field that it needs. */
export const minimal: Record<AnalyticsEvent['type'], Record<string, unknown>> = {
  execution: { type: 'execution', kind: 'tool', name: 'search', success: true },
  rating: { type: 'rating', skillId: 'pdf', rating: 4 },
  health: { type: 'health', skillId: 'pdf', score: 80 },
  toolkit: { type: 'toolkit', toolkit: 'files', operation: 'create', durationMs: 3, success: true },
  metrics: { type: 'metrics', values: { loss: 0.5 } },
  run: { type: 'run', runId: 'run-1', state: 'started' },
  artifact: { type: 'artifact', name: 'report.md', kind: 'report', path: '/tmp/report.md' },
};

export const types: readonly AnalyticsEvent['type'][] = Object.keys(minimal) as AnalyticsEvent['type'][];
