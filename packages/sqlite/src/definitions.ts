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
  // Of a table, also as an earlier version of what prints it has printed it.
  const copy = db.prepare('SELECT sql FROM schema_copy WHERE name = ?').pluck();
  for (const { type, name, sql } of right) {
    const now = found.get(name);
    if (type === 'table') {
      const isOurs = now?.sql === sql || now?.sql === copy.get(name);
      if (now === undefined || !(isOurs || isExtended(now.sql, sql))) {
        throw corruption(`the definition of ${name} is not what it was`);
      }
    } else if (now?.sql !== sql) {
      if (now !== undefined && now.type !== type) {
        throw failure('INVALID_CONFIG', `the ${now.type} ${name} stands where a ${type} of ours was: rename it`);
      }
      define(db, `DROP ${type} IF EXISTS "${name}"; ${sql}`);
      restored.push(name);
    }
  }
  db.exec('DELETE FROM schema_copy');
  const add = db.prepare('INSERT INTO schema_copy (name, sql) SELECT name, sql FROM sqlite_schema WHERE name = ?');
  for (const { name } of right) {
    add.run(name);
  }
  return restored;
}

function define(db: Connection, statements: string): void {
  try {
    db.exec(statements);
  } catch (error) {
    // Rows that a unique index would have refused.
    throw String((error as { code?: unknown }).code).startsWith('SQLITE_CONSTRAINT')
      ? corruption((error as Error).message)
      : error;
  }
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

/**
 * Whether `now` is `before` with columns that `ALTER TABLE` has added. It writes them behind the last one, with a comma, which may
 * also be the comma before a constraint.
 */
function isExtended(now: string, before: string): boolean {
  for (let at = 0; at < before.length && now[at] === before[at]; at += 1) {
    if (now[at + 1] === ',' && now.endsWith(before.slice(at + 1))) {
      return true;
    }
  }
  return false;
}
