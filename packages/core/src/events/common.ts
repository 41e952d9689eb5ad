import { maxTime, secondsProblem } from '../clock.ts';
import type { Sources } from '../sources.ts';
import type { Surroundings } from '../tracking/context.ts';
import { optionalError, optionalJson, optionalText, optionalUuid, refuse, requiredNumber } from '../values/check.ts';
import type { ErrorInfo, EventFields } from './event.ts';
import type { CommonInput } from './input.ts';
import type { Pricing } from './pricing.ts';

// What events of several types have.

/** What an event gets for fields that its input leaves out. */
export interface Defaults extends Sources {
  readonly context: () => Surroundings | undefined;
  readonly errorMessages: boolean;
  /** Prices an execution without a cost. */
  readonly price?: Pricing | undefined;
}

/** The fields of all events. */
export function commonFields(
  input: CommonInput,
  { newId, now, context }: Defaults,
  runId: unknown = input.runId,
): EventFields {
  const surroundings = context();
  const { at } = input;
  const nowMs = now();
  return {
    id: optionalUuid(input.id, 'id') ?? newId(nowMs),
    at: at === undefined || at === null ? nowMs : givenTime(at),
    runId: optionalText(runId, 'runId') ?? surroundings?.runId,
    userId: optionalText(input.userId, 'userId') ?? surroundings?.userId,
    orgId: optionalText(input.orgId, 'orgId') ?? surroundings?.orgId,
    attributes: optionalJson(input.attributes, 'attributes'),
  };
}

function givenTime(at: unknown): number {
  const time = Math.trunc(requiredNumber(at, 'at', 0, maxTime, false));
  const problem = secondsProblem(time);
  // No window would ever show the event, and retention would delete it.
  return problem === undefined ? time : refuse('at', problem);
}

/** Without the message, if messages are not to be kept. */
export function toErrorInfo(value: unknown, { errorMessages }: Defaults): ErrorInfo | undefined {
  const error = optionalError(value, 'error');
  return errorMessages || error === undefined ? error : { type: error.type };
}
