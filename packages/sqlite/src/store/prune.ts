import { dayMs, hourMs } from '../cell.ts';
import type { Connection, DatabaseConfig } from '../database.ts';
import { tailBits } from '../sequence.ts';
import { createDeletion, type Deletion, deleteBefore, deleteHours, paceOf } from './deletion.ts';
import { countRows, type KeptTable, keptTables, kinds, type RowCounts } from './kept.ts';
import { excessBytes, readSize } from './size.ts';

// Deletes the oldest rows, by age and by size. What executions came to stays in the roll-ups.

/** What is to go. Times are Unix ms, and themselves outside. */
export interface PrunePlan {
  readonly now: number;
  /** Rows from before. */
  readonly before?: number | undefined;
  /** Hourly cells from before, as far as their executions are gone; days stay. */
  readonly hoursBefore?: number | undefined;
  /** While the pages in use take more, the oldest rows go, and hourly cells that are several times as old. */
  readonly maxBytes?: number | undefined;
}

/** What `prune()` has deleted; in a dry run, what it would delete. */
export interface PruneReport {
  readonly dryRun: boolean;
  readonly rows: RowCounts;
  /** Hourly cells of the roll-ups. */
  readonly hourlyCells: number;
  /** Pages that became free, for new events to use; `compact()` returns them to the system. A dry run estimates. */
  readonly freedBytes: number;
  /** Times of the oldest and the newest event deleted, Unix ms; null when there was none. */
  readonly from: number | null;
  readonly to: number | null;
}

/** Yields between the steps. */
export function* prune(
  db: Connection,
  config: DatabaseConfig,
  { now, before, hoursBefore, maxBytes }: PrunePlan,
): Generator<void, PruneReport> {
  const deletion = createDeletion(db, config);
  const { usedBytes } = readSize(db);
  if (before !== undefined) {
    yield* deleteBefore(deletion, before, true);
  }
  if (hoursBefore !== undefined) {
    yield* deleteHours(deletion, startOfDay(Math.min(hoursBefore, oldestExecution(db) ?? hoursBefore)));
  }
  if (maxBytes !== undefined) {
    yield* deleteToSize(deletion, maxBytes, now);
  }
  return {
    dryRun: false,
    rows: countRows((kind) => deletion.rows.get(kind) ?? 0),
    hourlyCells: deletion.hourlyCells,
    freedBytes: Math.max(0, usedBytes - readSize(db).usedBytes),
    from: deletion.from,
    to: deletion.to,
  };
}

/** How many times as long as rows hourly cells are kept where there is no room for both: without a bound they would push all rows out. */
const hoursToRows = 4;

/** Up to when hourly cells go when rows go up to `end` for lack of room. */
export function hoursEnd(now: number, end: number): number {
  return startOfDay(now - hoursToRows * (now - end));
}

/** What has to be free before it tells what a row takes: pages are freed whole, and the first ones after many rows. */
const telling = 64 * 1024;
/** What is freed at once is about this much at least, as long as it is more than a row; where less is in the way, that. */
const leastBytes = 256 * 1024;

function* deleteToSize(deletion: Deletion, maxBytes: number, now: number): Generator<void> {
  const { db } = deletion;
  const excess = (): number => excessBytes(db, maxBytes);
  let told = { excess: excess(), rows: total(deletion) };
  let rowsPerByte = 0;
  let hoursBefore = Number.MIN_SAFE_INTEGER;
  // How many of the oldest events of runs are in the way, as their runs go on.
  for (let staying = 0; excess() > 0 && staying < 1e9; ) {
    const left = excess();
    const before = total(deletion);
    const [freed, gone] = [told.excess - left, before - told.rows];
    // Of late: with the younger rows go cells of hours as well, so that these free far more.
    if (freed >= telling && gone > 0) {
      rowsPerByte = gone / freed;
      told = { excess: left, rows: before };
    }
    const bytes = Math.max(telling, Math.min(leastBytes, left), left / aging.length);
    // As many as are in the way; as many again as did not tell, which starts with one.
    const rows = Math.max(1, bytes * rowsPerByte, before - told.rows);
    const end = endOfOldest(deletion, { rows, bytes, staying });
    if (end === undefined) {
      break;
    }
    yield* deleteBefore(deletion, end, false);
    // Back by one step only: most likely they are in the way again.
    staying = total(deletion) > before ? staying >> 1 : 2 * staying + 1;
    const oldest = oldestExecution(db);
    const day = oldest === undefined ? hoursBefore : hoursEnd(now, oldest);
    if (day > hoursBefore) {
      hoursBefore = day;
      yield* deleteHours(deletion, day);
    }
  }
  const oldestHour = db.prepare(`SELECT min(start) FROM rollups WHERE width = ${hourMs} AND org = 0`).pluck();
  while (excess() > 0) {
    const hour = oldestHour.get() as number | null;
    if (hour === null) {
      return;
    }
    yield* deleteHours(deletion, startOfDay(hour) + dayMs);
  }
}

/** Whole days, so that a day is answered from its hours or from its own cell. */
function startOfDay(at: number): number {
  return Math.floor(at / dayMs) * dayMs;
}

/** What may be the oldest. */
const aging = kinds.filter((kind) => kind !== 'runTotals');

/** At most what goes in a step. */
interface Step {
  readonly rows: number;
  /** Of artifacts. */
  readonly bytes: number;
  /** How many of the oldest events of runs are passed over. */
  readonly staying: number;
}

/**
 * A time before which there are rows, but in no table many more than a step takes. Undefined when there is nothing left. A table with
 * fewer rows than that is no bound: they may all belong to a run that goes on.
 */
function endOfOldest(deletion: Deletion, step: Step): number | undefined {
  const { db } = deletion;
  const found = aging.flatMap((kind) => {
    const most = Math.ceil(Math.min(step.rows, paceOf(deletion, kind).rows));
    const rows =
      kind === 'runEvents' ? most + step.staying : kind === 'artifacts' ? artifactsOf(db, most, step.bytes) : most;
    const { count, latest } = firstRowsOf(db, keptTables[kind], rows);
    return latest === null ? [] : [{ kind, end: latest + 1, isAll: count < rows }];
  });
  const bounds = [found.filter(({ isAll }) => !isAll), found.filter(({ kind }) => kind !== 'runEvents'), found];
  const ends = bounds.find(({ length }) => length > 0);
  return ends && Math.min(...ends.map(({ end }) => end));
}

/** How many of the oldest ones come to so many bytes, at most `rows`: one may be as large as thousands of other rows. */
function artifactsOf(db: Connection, rows: number, bytes: number): number {
  const { table, key } = keptTables.artifacts;
  const oldest = `SELECT ${key} AS key, length(bytes) AS size FROM ${table} ORDER BY ${key} LIMIT :rows`;
  const sums = `SELECT total(size) OVER (ORDER BY key) AS sum FROM (${oldest})`;
  const within = db.prepare(`SELECT count(*) FROM (${sums}) WHERE sum < :bytes`).pluck();
  return Math.min(rows, (within.get({ rows, bytes }) as number) + 1);
}

function firstRowsOf(
  db: Connection,
  { table, key, time }: KeptTable,
  rows: number,
): { readonly count: number; readonly latest: number | null } {
  const some = `SELECT ${time} AS time FROM ${table} ORDER BY ${key} LIMIT ?`;
  return db.prepare(`SELECT count(*) AS count, max(time) AS latest FROM (${some})`).get(rows) as never;
}

function total({ rows }: Deletion): number {
  return [...rows.values()].reduce((sum, count) => sum + count, 0);
}

function oldestExecution(db: Connection): number | undefined {
  const at = db.prepare(`SELECT min(seq) >> ${tailBits} FROM execution_events`).pluck().get() as number | null;
  return at ?? undefined;
}

/** Whether more than half of the executions would go by their age. Counts them all. */
export function mostWouldGo(db: Connection, { before }: PrunePlan): boolean {
  if (before === undefined) {
    return false;
  }
  const counts = db.prepare(`
    SELECT count(*) AS executions, count(*) FILTER (WHERE seq < (? << ${tailBits})) AS old
    FROM execution_events INDEXED BY execution_events_subject`);
  const { executions, old } = counts.get(Math.floor(before)) as { executions: number; old: number };
  return old * 2 > executions;
}
