import Database from 'better-sqlite3';

/** Holds the lock for writing until the function that it returns is called, by a connection of the tests' own. */
export function lockForWriting(path: string): () => void {
  const db = new Database(path, { timeout: 5_000 });
  db.exec('BEGIN IMMEDIATE');
  return () => void db.close();
}
