import type { ErrorInfo } from '../events/event.ts';

/** Names that say nothing; the error's `code`, `type` or class says more. */
const plainNames: readonly string[] = ['Error', 'SystemError'];

/**
 * Returns what to record of any thrown value. The type is the error's name (`TypeError`, `AbortError`, `TimeoutError`); if that is
 * just `Error` or `SystemError`, its `code` (`ENOENT`, `insufficient_quota`), its `type`, or its class if that is called so
 * (`APIConnectionError`); and `NonError` for anything but an error. Never throws.
 */
export function describeThrown(thrown: unknown): ErrorInfo {
  if (typeof thrown !== 'object' || thrown === null) {
    return { type: 'NonError', message: typeof thrown === 'function' ? 'a function' : String(thrown) };
  }
  try {
    const { name, code, type, message } = thrown as { readonly [field: string]: unknown };
    return typeof message === 'string'
      ? { type: typeOf(name, code, type, thrown.constructor), message }
      : { type: typeOf(undefined, code) };
  } catch {
    return { type: 'NonError', message: 'an object that cannot be read' };
  }
}

/** Returns the type and, if there is one, the message. */
export function thrownText(thrown: unknown): string {
  const { type, message } = describeThrown(thrown);
  return message ? `${type}: ${message}` : type;
}

function typeOf(name: unknown, code: unknown, type?: unknown, made?: { readonly name?: unknown }): string {
  if (code === 'ABORT_ERR') {
    return 'AbortError';
  }
  if (!isText(name)) {
    return 'NonError';
  }
  if (!plainNames.includes(name)) {
    return name;
  }
  if (typeof code === 'string' && /^[a-z]\w+$/i.test(code)) {
    return code;
  }
  // Bundlers may have shortened the names of classes.
  const className = String(made?.name);
  return isText(type) ? type : className.endsWith('Error') ? className : name;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
