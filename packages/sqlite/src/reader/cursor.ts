import { createHash } from 'node:crypto';
import type { Problem } from '@toolweaver/analytics-core';

/** Among the options it would be passed over, and the first page come for ever. */
export const misplacedCursor: Problem = {
  field: 'cursor',
  message: 'is not an option: it is the second argument, after the options',
};

/** Where a page ended, so written that it fits only the question that it came from. */
export function formatCursor(question: unknown, position: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify([fingerprint(question), ...position])).toString('base64url');
}

/** The position; undefined for what is no cursor of this question. */
export function parseCursor(question: unknown, cursor: unknown): readonly (string | number | null)[] | undefined {
  try {
    const [mark, ...position] = JSON.parse(Buffer.from(String(cursor), 'base64url').toString());
    return mark === fingerprint(question) ? position : undefined;
  } catch {
    return undefined;
  }
}

function fingerprint(question: unknown): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 8);
}
