import assert from 'node:assert/strict';
import { inspect } from 'node:util';

/** Asserts that none of the usual ways to print these values shows a secret. */
export function showsNone(secrets: readonly string[], values: readonly unknown[]): void {
  for (const value of values) {
    const shown = [inspect(value, { depth: 10, showHidden: true, getters: true }), String(value), json(value)].join(
      '\n',
    );
    for (const secret of secrets) {
      assert.ok(!shown.includes(secret), `a secret is shown: ${shown.replaceAll(secret, '<the secret>')}`);
    }
  }
}

function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // What JSON cannot hold cannot be printed as JSON.
    return undefined;
  }
}
