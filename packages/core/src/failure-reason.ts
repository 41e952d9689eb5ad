import { describeThrown } from './values/thrown.ts';

/** Why a request of `fetch` or `node:http` got no answer, with the code of the error if the text does not have it. */
export function failureReason(thrown: unknown): string {
  // `fetch` itself says only that it failed.
  const error = thrown instanceof TypeError && thrown.cause instanceof Error ? thrown.cause : thrown;
  // If a host has several addresses, each has failed for a reason of its own.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(failureReason).join(', ');
  }
  const { type, message } = describeThrown(error);
  const { code } = Object(error);
  const text = message || type;
  return typeof code !== 'string' || text.includes(code) ? text : `${text} (${code})`;
}
