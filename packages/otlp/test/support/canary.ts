import { inspect } from 'node:util';
import { expect } from 'vitest';

export const instanceId = '918273';
/** A token that looks like nothing else, so that it is found wherever it gets to. */
export const token = 'glc_CANARY+a/b=4711';
const basic: string = Buffer.from(`${instanceId}:${token}`).toString('base64');

/** Every form in which the token could get out. */
export const forms: readonly string[] = [
  token,
  basic,
  Buffer.from(token).toString('base64'),
  encodeURIComponent(token),
  encodeURIComponent(basic),
];

/** Asserts that none of the usual ways to print these values shows the token. */
export function showsNoToken(...values: readonly unknown[]): void {
  for (const value of values) {
    const stack = value instanceof Error ? `${value.stack}\n${value.message}` : '';
    const shown = `${inspect(value, { depth: 12, showHidden: true, getters: true })}\n${JSON.stringify(value)}\n${stack}`;
    for (const form of forms) {
      expect(shown).not.toContain(form);
    }
  }
}
