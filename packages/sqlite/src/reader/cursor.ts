import { createHash } from 'node:crypto';

/** Encodes where a page ended, so that it is only valid for the question that it came from. */
export function formatCursor(question: unknown, position: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify([fingerprint(question), ...position])).toString('base64url');
}

/** Returns the position; undefined if it is not a cursor of this question. */
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
