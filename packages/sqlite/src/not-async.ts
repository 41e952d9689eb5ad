import * as types from 'node:util/types';

/** @throws TypeError with the message for a promise. It is heard: what it rejects with would end the process. */
export function refusePromise(value: unknown, message: string): void {
  if (types.isPromise(value)) {
    value.catch(() => {});
    throw new TypeError(message);
  }
}
