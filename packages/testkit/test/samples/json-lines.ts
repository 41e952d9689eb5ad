import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { access, appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { AnalyticsError, type AnalyticsEvent, type Backend } from '@toolweaver/analytics-core';
import { type Subject, tally, testBackend } from '@toolweaver/analytics-testkit';

// The backend: it appends each event to a file, as a line of JSON.
function jsonLines(path: string): Backend {
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

function toLine(event: AnalyticsEvent): string {
  const encode = (_key: string, value: unknown): unknown =>
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
  return `${JSON.stringify(event, encode)}\n`;
}

// What arrived. A line may be there twice after a retry, so whoever reads the file goes by id.
function readEvents(path: string): AnalyticsEvent[] {
  const decode = (key: string, value: { base64: string }): unknown =>
    key === 'bytes' ? new Uint8Array(Buffer.from(value.base64, 'base64')) : value;
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  const events = lines.map((line) => JSON.parse(line, decode) as AnalyticsEvent);
  return [...new Map(events.map((event) => [event.id, event])).values()];
}

// The proof: how to make one, to read what arrived, to break and to repair the place where it goes, and to clean up.
describe('json-lines', () => {
  testBackend({
    test,
    create(): Subject {
      const folder = mkdtempSync(join(tmpdir(), 'json-lines-'));
      const path = join(folder, 'events.jsonl');
      return {
        backend: jsonLines(path),
        observe: () => tally(readEvents(path)),
        breakFarSide: () => renameSync(folder, `${folder}-gone`),
        repairFarSide: () => renameSync(`${folder}-gone`, folder),
        reopen: () => jsonLines(path),
        dispose() {
          rmSync(folder, { recursive: true, force: true });
          rmSync(`${folder}-gone`, { recursive: true, force: true });
        },
      };
    },
  });
});
