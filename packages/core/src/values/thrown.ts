import type { ErrorInfo } from '../events/event.ts';

/** Names that say nothing; the error's `code` says more. */
const plainNames: readonly string[] = ['Error', 'SystemError'];

/**
 * Returns what to record of any thrown value. The type is the error's name (`TypeError`, `AbortError`, `TimeoutError`), its
 * `code` if the name is just `Error` or `SystemError` (`ENOENT`), and `NonError` for anything but an error. Never throws.
 */
export function describeThrown(thrown: unknown): ErrorInfo {
  if (typeof thrown !== 'object' || thrown === null) {
    return { type: 'NonError', message: typeof thrown === 'function' ? 'a function' : String(thrown) };
  }
  try {
    const { name, code, message } = thrown as { name?: unknown; code?: unknown; message?: unknown };
    return typeof message === 'string' ? { type: typeOf(name, code), message } : { type: typeOf(undefined, code) };
  } catch {
    return { type: 'NonError', message: 'an object that cannot be read' };
  }
}

/** Returns the type and, if there is one, the message. */
export function thrownText(thrown: unknown): string {
  const { type, message } = describeThrown(thrown);
  return message ? `${type}: ${message}` : type;
}

function typeOf(name: unknown, code: unknown): string {
  if (code === 'ABORT_ERR') {
    return 'AbortError';
  }
  if (typeof name !== 'string' || name.trim() === '') {
    return 'NonError';
  }
  return plainNames.includes(name) && typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : name;
}
