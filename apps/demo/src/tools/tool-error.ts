/** All errors of the receipt tools: a closed set, so that they can be counted by type. */
export type ToolErrorName =
  | 'NoTextError'
  | 'TotalMissingError'
  | 'DateMissingError'
  | 'TotalMismatchError'
  | 'DateMismatchError';

/** An `Error` whose `name` says what happened, and whose message says to what it happened. */
export interface ToolError extends Error {
  name: ToolErrorName;
}

export function toolError(name: ToolErrorName, message: string): ToolError {
  return Object.assign(new Error(message), { name });
}
