import { type AnalyticsError, ifOurs } from './errors.ts';
import { thrownText } from './values/thrown.ts';

/** What to report about a mistake in a call. */
export type Misuse = Pick<AnalyticsError, 'code' | 'message' | 'cause' | 'problems'>;

/** Reads what was thrown while an input was read: our own refusal, or an error of the input itself. */
export function toMisuse(thrown: unknown): Misuse {
  const ours = ifOurs(thrown, (error) => ({ ...error, message: `${error.message}`, cause: error.cause }));
  return (
    ours ?? { code: 'INVALID_EVENT', message: `reading it threw ${thrownText(thrown)}`, cause: thrown, problems: [] }
  );
}

/** The field that is wrong, without user-defined names in it, which could be as many as events. */
export function fieldOf({ problems, message }: Misuse): string {
  return (problems[0]?.field ?? message).replace(/\W.*/s, '');
}
