import { corruption } from './damage.ts';
import type { Connect, Connection } from './database.ts';
import { failure } from './failure.ts';

// Definitions of the schema are stored as text, in which SQLite's own checks find no damage, and which anybody may change.

interface Definition {
  readonly type: 'table' | 'index' | 'view' | 'trigger';
  readonly name: string;
  readonly sql: string;
}

/** Whether something of ours is not defined as it was, or no longer there. What others have added does not count. */
export function isChanged(db: Connection): boolean {
  try {
    return (
      db
        .prepare(
          `SELECT 1 FROM schema_copy copy LEFT JOIN sqlite_schema now ON now.name = copy.name
          WHERE now.sql IS NOT copy.sql LIMIT 1`,
        )
        .get() !== undefined
    );
  } catch (error) {
    // The copy itself is missing.
    throw (error as { code?: unknown }).code === 'SQLITE_ERROR' ? corruption((error as Error).message) : error;
  }
}

/**
 * Defines views, triggers and indexes of ours anew that are not as `makeSchema` makes them, in one transaction of the caller.
 * Columns that others have added to tables stay.
 * @returns the names of what was defined anew.
 * @throws damage where a table of ours is another, or missing.
 */
export function restore(db: Connection, connect: Connect, makeSchema: (empty: Connection) => void): string[] {
  const restored: string[] = [];
  const found = new Map(definitionsOf(db).map((definition) => [definition.name, definition]));
  const right = rightDefinitions(connect, makeSchema);
  for (const { type, name, sql } of right) {
    const now = found.get(name);
    if (type === 'table') {
      if (now === undefined || !isExtended(now.sql, sql)) {
        throw corruption(`the definition of ${name} is not what it was`);
      }
    } else if (now?.sql !== sql) {
      if (now !== undefined && now.type !== type) {
        throw failure('INVALID_CONFIG', `the ${now.type} ${name} stands where a ${type} of ours was: rename it`);
      }
      db.exec(`DROP ${type} IF EXISTS "${name}"; ${sql}`);
      restored.push(name);
    }
  }
  db.exec('DELETE FROM schema_copy');
  const copy = db.prepare('INSERT INTO schema_copy (name, sql) SELECT name, sql FROM sqlite_schema WHERE name = ?');
  for (const { name } of right) {
    copy.run(name);
  }
  return restored;
}

function rightDefinitions(connect: Connect, makeSchema: (empty: Connection) => void): Definition[] {
  const empty = new connect(':memory:');
  try {
    makeSchema(empty);
    return definitionsOf(empty);
  } finally {
    empty.close();
  }
}

/** Tables first. */
function definitionsOf(db: Connection): Definition[] {
  return db
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type <> 'table', rowid")
    .all() as Definition[];
}

/** Whether `now` is `before` with columns that `ALTER TABLE` has added, which it writes behind the last one. */
function isExtended(now: string, before: string): boolean {
  let same = 0;
  while (same < before.length && now[same] === before[same]) {
    same += 1;
  }
  const added = now.length - before.length;
  return added === 0
    ? now === before
    : now.endsWith(before.slice(same)) && now.slice(same, same + added).startsWith(',');
}
