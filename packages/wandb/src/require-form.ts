/** @throws TypeError with the message, for what has a wrong form. */
export function requireForm(isRight: boolean, message: string): void {
  if (!isRight) {
    throw new TypeError(message);
  }
}
