import type { Connection } from './database.ts';

// Texts that repeat are stored once, and rows hold their ids. The writer looks them up with statements and a cache of its own.

/** Undefined for a text that was never recorded. */
export function findText(db: Connection, text: string): number | undefined {
  return db.prepare('SELECT id FROM dictionary WHERE text = ?').pluck().get(text) as number | undefined;
}

/** The id of a text that is not there yet. */
export function addText(db: Connection, text: string): number {
  return Number(db.prepare('INSERT INTO dictionary (text) VALUES (?)').run(text).lastInsertRowid);
}

/** The id of a text, which is added if need be. */
export function keepText(db: Connection, text: string): number {
  return findText(db, text) ?? addText(db, text);
}
