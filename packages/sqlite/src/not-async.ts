import * as types from 'node:util/types';

/** @throws TypeError with the message for a promise. Also handles the promise: its rejection would otherwise end the process. */
export function refusePromise(value: unknown, message: string): void {
  if (types.isPromise(value)) {
    value.catch(() => {});
    throw new TypeError(message);
  }
}
