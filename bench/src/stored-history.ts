import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sqlite } from '@toolweaver/analytics-sqlite';
import Database from 'better-sqlite3';
import { byHand, nameAndTimeIndex } from './by-hand.ts';
import { checkedEvery, roomInQueue, sqliteClient } from './client.ts';
import type { Setting } from './figure.ts';
import { history } from './history.ts';

/** Raise this when the data, or how they are stored, change in a way that the schema does not show. */
const version = 2;

/** Two files with the same executions. They take minutes to make, so they are kept. */
export interface StoredHistory {
  /** Written by the client. */
  readonly store: string;
  /** What `byHand` makes: one plain table with one index. */
  readonly byHand: string;
}

export async function storedHistory(setting: Setting): Promise<StoredHistory> {
  const { executions: count } = setting;
  return {
    store: await kept(setting, `store-${count}-`, await schemaMark(setting), (path) => fillStore(path, setting)),
    byHand: await kept(setting, `by-hand-${count}-`, '', (path) => fillByHand(path, setting)),
  };
}

/** Makes a file unless it exists. Deletes other files with the same prefix, which are outdated or unfinished. */
async function kept(
  { cache, announce }: Setting,
  beginning: string,
  mark: string,
  fill: (path: string) => Promise<void>,
): Promise<string> {
  const name = `${beginning}v${version}${mark}.db`;
  const path = join(cache, name);
  if (existsSync(path)) {
    return path;
  }
  mkdirSync(cache, { recursive: true });
  removeFiles(cache, beginning);
  announce(`making ${path}, once`);
  const started = performance.now();
  const draft = `${path}.draft`;
  try {
    await fill(draft);
    renameSync(draft, path);
  } catch (error) {
    removeFiles(cache, beginning);
    throw error;
  }
  announce(`made in ${Math.round((performance.now() - started) / 1000)} s`);
  return path;
}

function removeFiles(folder: string, beginning: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(beginning)) {
      rmSync(join(folder, name));
    }
  }
}

/** Identifies the schema of an empty store: a file with another schema is made anew. */
async function schemaMark({ newPath }: Setting): Promise<string> {
  const path = newPath('empty.db');
  const backend = await sqlite({ path });
  await backend.close?.();
  const db = new Database(path, { readonly: true });
  try {
    const statements = db.prepare('SELECT sql FROM sqlite_schema ORDER BY name').pluck().all();
    const schema = [db.pragma('user_version', { simple: true }), ...statements].join('\n');
    return `-${createHash('sha256').update(schema).digest('hex').slice(0, 8)}`;
  } finally {
    db.close();
  }
}

async function fillStore(path: string, { executions: count, progress }: Setting): Promise<void> {
  const opened = await sqliteClient(path);
  const { client } = opened;
  try {
    let recorded = 0;
    for (const execution of history(count)) {
      if (recorded % checkedEvery === 0) {
        progress(`recording, ${recorded} of ${count}`);
        await roomInQueue(client);
      }
      client.recordSkillExecution(execution);
      recorded += 1;
    }
    // Reading also brings the roll-ups up to date.
    await client.reader.getLeaderboard();
  } catch (error) {
    await client.close();
    throw error;
  }
  await opened.closeWith(count);
}

async function fillByHand(path: string, { executions: count, progress }: Setting): Promise<void> {
  const hand = byHand({ path, columns: 'id and tokens' });
  try {
    // Build the index at the end, which is faster than maintaining it.
    alter(path, 'DROP INDEX executions_name_at');
    let recorded = 0;
    for (const execution of history(count)) {
      if (recorded % checkedEvery === 0) {
        progress(`by hand, ${recorded} of ${count}`);
      }
      hand.record(execution);
      recorded += 1;
    }
    hand.flush();
  } finally {
    hand.close();
  }
  progress('by hand, the index');
  // From now on the file is only read, so it needs no write-ahead log.
  alter(path, `${nameAndTimeIndex}; PRAGMA journal_mode = delete;`);
}

function alter(path: string, sql: string): void {
  const db = new Database(path);
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}
