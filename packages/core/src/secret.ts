const redacted = '[redacted]';
const inspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;
const brand: unique symbol = Symbol.for('@toolweaver/analytics-core/Secret') as never;

/** A value that must never be printed: string conversion, JSON and `util.inspect` all give `[redacted]`. */
export interface Secret {
  /** The value itself; call it at the very place where it leaves the process. */
  reveal(): string;
  toString(): string;
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

export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && brand in value;
}

/** The text without these secrets, should somebody have repeated them: as they are, in a URL, or in base64. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((value) => value !== '')
    .flatMap((value) => [value, encodeURIComponent(value), Buffer.from(value).toString('base64')])
    .reduce((cleaned, form) => cleaned.replaceAll(form, redacted), text);
}

/** An error of `fetch` that is safe to show: where the answer was no HTTP its cause has the bytes, which may repeat what was sent. */
export function withoutAnswer(error: unknown): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown };
  if (cause instanceof Error && 'data' in cause) {
    delete cause.data;
  }
  return error;
}
