import type { AnalyticsEvent } from '../events/event.ts';
import type { EventInput } from '../events/input.ts';
import { fieldOf, toMisuse } from '../misuse.ts';
import { requiredNumber } from '../values/check.ts';

/** What happened: to record it without one of these would be a lie. */
const needed = ['kind', 'name', 'success', 'latencyMs', 'runId', 'state'];
/** An input has fewer fields. Who throws another mistake at each attempt must not be asked for ever. */
const maxMistakes = 50;

/** Returns the input of an event: all of it, or without the details that were given while the call was under way. */
export type MakeInput = (isWhole: boolean) => TrackedInput;
type TrackedInput = EventInput & { readonly sampleRate?: unknown };

/**
 * Makes events of calls that have already happened: what is wrong in their details is reported, and costs only itself.
 * `toEvent` returns undefined for an event that sampling leaves out, and throws if the input is invalid.
 */
export function withoutWrong(
  toEvent: (input: EventInput, sampleRate?: number) => AnalyticsEvent | undefined,
  report: (mistake: unknown, consequence: string) => void,
): (make: MakeInput) => AnalyticsEvent | undefined {
  function eventOf(input: TrackedInput): AnalyticsEvent | undefined {
    const { sampleRate } = input;
    return toEvent(input, sampleRate === undefined ? undefined : requiredNumber(sampleRate, 'sampleRate', 0, 1, false));
  }

  /** Leaves out the fields that are wrong, one after the other; `thrown` says which is the first. */
  function rightPartOf(make: MakeInput, thrown: unknown): AnalyticsEvent | undefined {
    const mistakes = new Map<string, unknown>();
    let isWhole = true;
    for (let mistake = thrown; ; ) {
      const field = fieldOf(toMisuse(mistake));
      if (needed.includes(field) || mistakes.has(field) || mistakes.size >= maxMistakes) {
        if (!isWhole) {
          throw mistake;
        }
        isWhole = false;
      }
      mistakes.set(field, mistake);
      try {
        const right = Object.entries(make(isWhole)).filter(([name]) => needed.includes(name) || !mistakes.has(name));
        const event = eventOf(Object.fromEntries(right) as TrackedInput);
        for (const each of mistakes.values()) {
          report(each, isWhole ? 'it is left out' : 'its details are left out');
        }
        return event;
      } catch (another) {
        mistake = another;
      }
    }
  }

  return (make) => {
    try {
      return eventOf(make(true));
    } catch (thrown) {
      return rightPartOf(make, thrown);
    }
  };
}
