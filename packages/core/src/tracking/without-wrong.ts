import type { AnalyticsEvent } from '../events/event.ts';
import type { EventInput } from '../events/input.ts';
import { fieldOf, toMisuse } from '../misuse.ts';
import { requiredNumber } from '../values/check.ts';

/** Returns the input of an event: all of it, or the call and its outcome only. */
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
    // The call and its outcome are valid even if its details are not. If not even these are, this throws.
    const bare = eventOf(make(false));
    const wrong = new Map([[fieldOf(toMisuse(thrown)), thrown]]);
    while (bare !== undefined) {
      try {
        const right = Object.entries(make(true)).filter(([field]) => !wrong.has(field));
        const event = eventOf(Object.fromEntries(right) as TrackedInput);
        for (const each of wrong.values()) {
          report(each, 'it is left out');
        }
        return event;
      } catch (another) {
        const field = fieldOf(toMisuse(another));
        if (wrong.has(field)) {
          report(another, 'its details are left out');
          break;
        }
        wrong.set(field, another);
      }
    }
    return bare;
  }

  return (make) => {
    try {
      return eventOf(make(true));
    } catch (thrown) {
      return rightPartOf(make, thrown);
    }
  };
}
