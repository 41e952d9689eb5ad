const redacted = '[redacted]';
const inspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;
const brand: unique symbol = Symbol.for('@toolweaver/analytics-core/Secret') as never;

/** A value that must never be printed: string conversion, JSON and `util.inspect` all give `[redacted]`. */
export interface Secret {
  /** Returns the value itself; call it only where the value leaves the process. */
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

/** A shorter one may be an ordinary word of a text. */
const minSecretLength = 8;

/**
 * Redacts the secrets in a string from elsewhere, such as a server's answer: as they are, URI-encoded, or in base64. Secrets of
 * fewer than 8 characters stay.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return (
    secrets
      .filter(({ length }) => length >= minSecretLength)
      .flatMap((value) => [value, encodeURIComponent(value), Buffer.from(value).toString('base64')])
      // Longest first, as one may be part of another.
      .sort((one, other) => other.length - one.length)
      .reduce((cleaned, form) => cleaned.replaceAll(form, redacted), text)
  );
}

/**
 * What must not be shown of a header's value: all of it, what follows its scheme (`Bearer …`), and for HTTP basic authentication
 * the decoded `user:password` and the password alone.
 */
export function secretsOfHeader(value: string): string[] {
  const [, scheme = '', behind = ''] = /^\s*(\S+)\s+(.*\S)/.exec(value) ?? [];
  const plain = /^basic$/i.test(scheme) ? Buffer.from(behind, 'base64').toString() : '';
  return [value, behind, plain, plain.slice(plain.indexOf(':') + 1)].filter((text) => text !== '');
}

/** Makes an error of `fetch` safe to show: removes the bytes of an answer that was not HTTP, which may repeat what was sent. */
export function withoutAnswer(error: unknown): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown };
  if (cause instanceof Error && 'data' in cause) {
    delete cause.data;
  }
  return error;
}
