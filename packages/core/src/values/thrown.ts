import type { ErrorInfo } from '../events/event.ts';

/** Names that say nothing; the error's `code` says more. */
const plainNames: readonly string[] = ['Error', 'SystemError'];

/**
 * What to record of a thrown value of any kind. The type is the error's name (`TypeError`, `AbortError`, `TimeoutError`), its
 * `code` where the name is just `Error` (`ENOENT`), and `NonError` for what is no error. Runs no code that could throw out of here.
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

/** The type and, where there is one, the message. */
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
