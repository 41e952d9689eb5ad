import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { type Subject, tally, testBackend } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { newFolder } from './support/folder.ts';
import { storedEvents, storedRuns } from './support/rows.ts';

describe('sqlite()', () => {
  // Each law gets a file of its own. Copying an empty database is quicker than making it anew.
  const shared = newFolder();
  const empty = join(shared.path, 'empty.db');
  beforeAll(async () => {
    const backend = await sqlite({ path: empty });
    await backend.close?.();
  });
  afterAll(() => shared.dispose());

  testBackend({
    test,
    // On a busy machine a thread takes long to start: it gives way to everybody else.
    timeoutMs: 120_000,
    async create(): Promise<Subject> {
      const folder = newFolder();
      const path = join(folder.path, 'analytics.db');
      copyFileSync(empty, path);
      const open = () => sqlite({ path, busyTimeoutMs: 100 });
      const backend = await open();
      let lock: Database.Database | undefined;
      return {
        backend,
        observe: () => ({ ...tally(storedEvents(path)), runs: storedRuns(path) }),
        breakFarSide() {
          lock = new Database(path);
          lock.exec('BEGIN IMMEDIATE');
        },
        repairFarSide() {
          lock?.close();
        },
        reopen: open,
        dispose() {
          lock?.close();
          folder.dispose();
        },
      };
    },
  });
});
