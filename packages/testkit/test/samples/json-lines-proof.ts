// json-lines-proof.ts
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Subject, tally, testBackend } from '@toolweaver/analytics-testkit';
import { jsonLines, readEvents } from './json-lines.ts';

describe('json-lines', () => {
  testBackend({
    test,
    create(): Subject {
      const folder = mkdtempSync(join(tmpdir(), 'json-lines-'));
      const path = join(folder, 'events.jsonl');
      return {
        backend: jsonLines({ path }),
        observe: () => tally(readEvents(path)),
        breakFarSide: () => renameSync(folder, `${folder}-gone`),
        repairFarSide: () => renameSync(`${folder}-gone`, folder),
        reopen: () => jsonLines({ path }),
        dispose() {
          rmSync(folder, { recursive: true, force: true });
          rmSync(`${folder}-gone`, { recursive: true, force: true });
        },
      };
    },
  });
});
