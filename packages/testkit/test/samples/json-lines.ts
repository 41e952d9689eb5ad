import { access, appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AnalyticsError, type Backend } from '@toolweaver/analytics-core';

/** A backend that appends each event to a file, as a line of JSON. */
export function jsonLines(path: string): Backend {
  const unavailable = (cause: unknown): never => {
    throw new AnalyticsError('BACKEND_UNAVAILABLE', `${path} cannot be written`, { cause, backend: 'json-lines' });
  };
  return {
    name: 'json-lines',
    delivery: { maxEvents: 1000, maxDelayMs: 100 },
    settings: { path },
    write: (events) => appendFile(path, events.map(toLine).join('')).catch(unavailable),
    check: () => access(dirname(path)).catch(unavailable),
  };
}

function toLine(event: object): string {
  const encode = (_key: string, value: unknown): unknown =>
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
  return `${JSON.stringify(event, encode)}\n`;
}
