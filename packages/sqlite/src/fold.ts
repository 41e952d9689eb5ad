import { byteReader } from './bytes.ts';
import {
  addCell,
  addEntry,
  type Cell,
  type CellKey,
  dayMs,
  emptySum,
  errorsText,
  type Figures,
  figureNames,
  fromErrorsText,
  fromLatencyBlob,
  fromUsersBlob,
  hourMs,
  latencyBlob,
  monthMs,
  type Sum,
  toCell,
  usersBlob,
} from './cell.ts';
import { cellMap } from './cell-map.ts';
import { type Connection, type DatabaseConfig, transaction } from './database.ts';
import { type Entry, emptyEntry, readEntry } from './entry.ts';
import { createSketchSum, type SketchSum } from './sketch.ts';

// A write adds one line to the log of roll-ups. Lines are added to the cells of hours, days and months later, many at once, as a
// write touches few rows but often thousands of cells. Lines and cells change in one transaction: counted exactly once.

/** The log is folded when it has this many lines or bytes. */
const maxLines = 64;
const maxBytes = 8 * 1024 * 1024;
/** About how many cells one transaction adds to (it ends with a whole line): all writers wait meanwhile, a second or two. */
const maxCells = 50_000;

/** Whether the log is long enough to be worth folding. */
export function isLogLong(db: Connection): boolean {
  const { lines, bytes } = db
    .prepare('SELECT count(*) AS lines, total(length(cells)) AS bytes FROM rollup_log')
    .get() as { lines: number; bytes: number };
  return lines >= maxLines || bytes >= maxBytes;
}

/** Returns a function that tells whether the log has lines. */
export function logCheck(db: Connection): () => boolean {
  const first = db.prepare('SELECT 1 FROM rollup_log LIMIT 1');
  return () => first.get() !== undefined;
}

/** Adds the lines of the log to the cells, in as many transactions as needed. */
export function fold(db: Connection, config: DatabaseConfig): void {
  while (foldSome(db, config)) {
    // Others may write in between.
  }
}

/** Adds some of the lines to the cells, in one transaction; returns whether lines are left. */
export function foldSome(db: Connection, config: DatabaseConfig, mostCells: number = maxCells): boolean {
  const hasLog = logCheck(db);
  if (!hasLog()) {
    return false;
  }
  transaction(db, config, () => foldWithin(db, mostCells));
  return hasLog();
}

/** Folds within a transaction of the caller: all lines, or those that reach so many cells. */
export function foldWithin(db: Connection, mostCells: number = Number.POSITIVE_INFINITY): void {
  if (logCheck(db)()) {
    const sketches = createSketchSum();
    const last = sumLog(db, sketches, createSaver(db, sketches), mostCells);
    db.prepare('DELETE FROM rollup_log WHERE seq <= ?').run(last);
  }
}

export type Save = (width: number, key: CellKey, cell: Cell) => void;

/**
 * Sums the lines of the log and passes each cell to `save` once; returns the last line. Stops after the line that reaches
 * `mostCells`. `sketches` is scratch space, empty before and after.
 */
export function sumLog(
  db: Connection,
  sketches: SketchSum,
  save: Save,
  mostCells: number = Number.POSITIVE_INFINITY,
): number {
  const hours = cellMap((key): KeyedSum => ({ key, sum: emptySum(hourMs) }));
  const days = cellMap((key): KeyedSum => ({ key, sum: emptySum(dayMs) }));
  const months = cellMap((key): KeyedSum => ({ key, sum: emptySum(monthMs) }));

  let last = 0;
  const lines = db.prepare('SELECT seq, cells FROM rollup_log ORDER BY seq').iterate() as Iterable<Line>;
  for (const { seq, cells } of lines) {
    readLine(cells, (entry) => {
      const { at, subject, model, org } = entry;
      addEntry(hours.get(at - (at % hourMs), 0, subject, model).sum, entry);
      if (org !== 0) {
        addEntry(days.get(at - (at % dayMs), org, subject, model).sum, entry);
      }
    });
    last = seq;
    // An hour counts three times, as it is also in a day and a month.
    if (3 * hours.size() + days.size() >= mostCells) {
      break;
    }
  }
  // Each hour is saved and added to its day.
  for (const { key, sum } of hours.values()) {
    const cell = toCell(sum, sketches);
    save(hourMs, key, cell);
    addCell(days.get(key.start - (key.start % dayMs), 0, key.subject, key.model).sum, cell);
  }
  // Each day is added to its month. Organisations have no months: these would be as many again.
  for (const { key, sum } of days.values()) {
    const cell = toCell(sum, sketches);
    save(dayMs, key, cell);
    if (key.org === 0) {
      addCell(months.get(key.start - (key.start % monthMs), 0, key.subject, key.model).sum, cell);
    }
  }
  for (const { key, sum } of months.values()) {
    save(monthMs, key, toCell(sum, sketches));
  }
  return last;
}

interface Line {
  readonly seq: number;
  readonly cells: Buffer;
}

/** Passes each entry to `take`, always in the same object. */
export function readLine(line: Buffer, take: (entry: Readonly<Entry>) => void): void {
  const entry = emptyEntry();
  for (const reader = byteReader(line); !reader.done(); ) {
    readEntry(reader, entry);
    take(entry);
  }
}

interface KeyedSum {
  readonly key: CellKey;
  readonly sum: Sum;
}

function createSaver(db: Connection, sketches: SketchSum): Save {
  const where = 'width = ? AND org = ? AND start = ? AND subject = ? AND model = ?';
  const columns = [...figureNames, 'errors'];
  const find = db.prepare(`SELECT cell, ${columns.join(', ')} FROM rollups WHERE ${where}`);
  const findSketches = db.prepare('SELECT latency, users FROM rollup_sketches WHERE cell = ?');
  const addSketches = db.prepare('INSERT INTO rollup_sketches (latency, users) VALUES (?, ?)');
  const setSketches = db.prepare('UPDATE rollup_sketches SET latency = ?, users = ? WHERE cell = ?');
  const insert = db.prepare(`
    INSERT INTO rollups (width, org, start, subject, model, cell, ${columns.join(', ')})
    VALUES (?, ?, ?, ?, ?, ?, ${columns.map(() => '?').join(', ')})`);
  const update = db.prepare(`UPDATE rollups SET ${columns.map((name) => `${name} = ?`).join(', ')} WHERE ${where}`);

  function addTo({ cell: id, errors, ...figures }: KnownCell, added: Cell, width: number): Cell {
    const { latency, users } = findSketches.get(id) as { latency: Buffer | null; users: Buffer | null };
    const sum = emptySum(width);
    // Existing content first: of too many error types, those that came first are kept.
    addCell(sum, {
      figures,
      latency: fromLatencyBlob(latency),
      users: fromUsersBlob(users),
      errors: fromErrorsText(errors),
    });
    addCell(sum, added);
    return toCell(sum, sketches);
  }

  return (width, key, added) => {
    const keyValues = [width, key.org, key.start, key.subject, key.model];
    const known = find.get(...keyValues) as KnownCell | undefined;
    const cell = known === undefined ? added : addTo(known, added, width);
    const values = [...figureNames.map((name) => cell.figures[name]), errorsText(cell.errors)];
    const sketches = [latencyBlob(cell.latency), usersBlob(cell.users)];
    if (known === undefined) {
      const { lastInsertRowid } = addSketches.run(...sketches);
      insert.run(...keyValues, lastInsertRowid, ...values);
    } else {
      setSketches.run(...sketches, known.cell);
      update.run(...values, ...keyValues);
    }
  };
}

interface KnownCell extends Readonly<Figures> {
  readonly cell: number;
  readonly errors: string | null;
}
