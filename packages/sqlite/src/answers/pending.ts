import { errorsText, figureNames, latencyBlob, usersBlob } from '../cell.ts';
import type { Connection } from '../database.ts';
import { sumLog } from '../fold.ts';
import { createSketchSum } from '../sketch.ts';

// A question is normally asked after the log was folded. If that was impossible, for lack of space or because another process
// holds the lock, the content of the log is put into temporary tables of this connection, as additional cells.

const columns = ['width', 'org', 'start', 'subject', 'model', 'cell', ...figureNames, 'errors'];
const sketchColumns = ['cell', 'latency', 'users'];

/** Call this, and the function that it returns to undo it, within the transaction of the question. */
export function addPending(db: Connection): () => void {
  // For unqualified names SQLite prefers the connection's temporary views.
  db.exec(`
    CREATE TEMP TABLE pending (${columns.join(', ')});
    CREATE TEMP TABLE pending_sketches (cell INTEGER PRIMARY KEY, latency, users);
    CREATE TEMP VIEW rollups AS
      SELECT ${columns.join(', ')} FROM main.rollups UNION ALL SELECT ${columns.join(', ')} FROM pending;
    CREATE TEMP VIEW rollup_sketches AS
      SELECT ${sketchColumns.join(', ')} FROM main.rollup_sketches
      UNION ALL SELECT ${sketchColumns.join(', ')} FROM pending_sketches;`);
  const add = db.prepare(`INSERT INTO pending VALUES (${columns.map(() => '?').join(', ')})`);
  const addSketches = db.prepare('INSERT INTO pending_sketches VALUES (?, ?, ?)');
  // Negative, so that no other cell has the number.
  let cell = 0;
  sumLog(db, createSketchSum(), (width, { org, start, subject, model }, { figures, latency, users, errors }) => {
    cell -= 1;
    const values = figureNames.map((name) => figures[name]);
    add.run(width, org, start, subject, model, cell, ...values, errorsText(errors));
    addSketches.run(cell, latencyBlob(latency), usersBlob(users));
  });
  return () =>
    db.exec('DROP VIEW rollups; DROP VIEW rollup_sketches; DROP TABLE pending; DROP TABLE pending_sketches;');
}
