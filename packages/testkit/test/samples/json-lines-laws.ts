import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { type Subject, tally, testBackend } from '@toolweaver/analytics-testkit';
import { jsonLines } from './json-lines.ts';

/** The far side: the file. A line may be there twice after a retry, so whoever reads it goes by id. */
function readEvents(path: string): AnalyticsEvent[] {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  const revive = (key: string, value: { base64: string }) =>
    key === 'bytes' ? new Uint8Array(Buffer.from(value.base64, 'base64')) : value;
  const events = lines.map((line) => JSON.parse(line, revive) as AnalyticsEvent);
  return [...new Map(events.map((event) => [event.id, event])).values()];
}

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
