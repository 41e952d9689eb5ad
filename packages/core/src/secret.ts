const redacted = '[redacted]';
const inspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;
const brand: unique symbol = Symbol.for('@toolweaver/analytics-core/Secret') as never;

/** A value that must never be printed: string conversion, JSON and `util.inspect` all give `[redacted]`. */
export interface Secret {
  /** The value itself; call it at the very place where it leaves the process. */
  reveal(): string;
  /** `[redacted]`. */
  toString(): string;
  /** `[redacted]`. */
  toJSON(): string;
}

/** Wraps a token, password or key. */
export function secret(value: string): Secret {
  return Object.freeze({
    reveal: () => value,
    toString: () => redacted,
    toJSON: () => redacted,
    [inspect]: () => redacted,
    [brand]: true,
  });
}

/** True for a secret of any copy of this package. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && brand in value;
}

/** What is shorter may be a word of any text. */
const minSecretLength = 8;

/**
 * A text of others, such as the answer of a server, without the secrets that it repeats: as they are, in an address, or in base64.
 * Those of fewer than 8 characters stay.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return (
    secrets
      .filter(({ length }) => length >= minSecretLength)
      .flatMap((value) => [value, encodeURIComponent(value), Buffer.from(value).toString('base64')])
      // One may be part of another.
      .sort((one, other) => other.length - one.length)
      .reduce((cleaned, form) => cleaned.replaceAll(form, redacted), text)
  );
}

/**
 * What must not be shown of a header's value: all of it, what is behind its scheme (`Bearer …`), and what that says in HTTP's basic
 * authentication: user and password, and the password alone.
 */
export function secretsOfHeader(value: string): string[] {
  const [, scheme = '', behind = ''] = /^\s*(\S+)\s+(.*\S)/.exec(value) ?? [];
  const plain = /^basic$/i.test(scheme) ? Buffer.from(behind, 'base64').toString() : '';
  return [value, behind, plain, plain.slice(plain.indexOf(':') + 1)].filter((text) => text !== '');
}

/** An error of `fetch` that is safe to show: where the answer was no HTTP its cause has the bytes, which may repeat what was sent. */
export function withoutAnswer(error: unknown): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown };
  if (cause instanceof Error && 'data' in cause) {
    delete cause.data;
  }
  return error;
}
