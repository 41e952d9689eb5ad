import { dayMs, hourMs } from '../cell.ts';
import type { Connection, DatabaseConfig } from '../database.ts';
import { foldSome } from '../fold.ts';
import { tailBits } from '../sequence.ts';
import { createDeletion, type Deletion, deleteBefore, deleteHours, paceOf } from './deletion.ts';
import { countRows, type KeptTable, keptTables, kinds, type RowCounts } from './kept.ts';
import { excessBytes, readSize } from './size.ts';

// Deletes the oldest rows, by age and by size. The totals of their executions stay in the daily roll-ups.

/** What to delete. Times are Unix ms and exclusive. */
export interface PrunePlan {
  readonly now: number;
  /** Deletes rows from before this time. */
  readonly before?: number | undefined;
  /** Deletes hourly cells from before this time whose executions are gone; daily cells stay. */
  readonly hoursBefore?: number | undefined;
  /** While the pages in use take more, deletes the oldest rows, and hourly cells that are several times as old. */
  readonly maxBytes?: number | undefined;
}

/** What `prune()` deleted; in a dry run, what it would delete. */
export interface PruneReport {
  readonly dryRun: boolean;
  readonly rows: RowCounts;
  /** Hourly cells of the roll-ups. */
  readonly hourlyCells: number;
  /** Size of the pages that became free for new events; `compact()` returns them to the system. An estimate in a dry run. */
  readonly freedBytes: number;
  /** Times of the oldest and newest deleted event, Unix ms; null if there was none. */
  readonly from: number | null;
  readonly to: number | null;
}

/** Deletes in steps; yields after each. */
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
    // First: what waits in the log takes far less room once it is added up, and must not push out events.
    while (excessBytes(db, maxBytes) > 0 && foldSome(db, config)) {
      yield;
    }
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

/** Without room for both, hourly cells are kept this many times as long as rows; without a bound they would push out all rows. */
const hoursToRows = 4;

/** The time before which hourly cells are deleted when rows before `end` are deleted for lack of room. */
export function hoursEnd(now: number, end: number): number {
  return startOfDay(now - hoursToRows * (now - end));
}

/** Bytes to free before they tell how much a row takes: pages are freed whole, and the first ones only after many rows. */
const telling = 64 * 1024;
/** A step frees about this much or one larger row, or all that is over the limit if that is less. */
const leastBytes = 256 * 1024;
/** Hardly a row takes less. Without this bound, writes between the steps would hide what was freed, and steps grow without end. */
const leastRowBytes = 64;

function* deleteToSize(deletion: Deletion, maxBytes: number, now: number): Generator<void> {
  const { db } = deletion;
  const excess = (): number => excessBytes(db, maxBytes);
  let told = { excess: excess(), rows: total(deletion) };
  let rowsPerByte = 0;
  let hoursBefore = Number.MIN_SAFE_INTEGER;
  // `staying`: how many of the oldest run events to pass over, as their runs are still going on.
  for (let staying = 0; excess() > 0 && staying < 1e9; ) {
    const left = excess();
    const before = total(deletion);
    const [freed, gone] = [told.excess - left, before - told.rows];
    // Only recent steps count: deleting younger rows also deletes hourly cells, so these rows free far more.
    if (freed >= telling && gone > 0) {
      rowsPerByte = gone / freed;
      told = { excess: left, rows: before };
    }
    const bytes = Math.max(telling, Math.min(leastBytes, left), left / aging.length);
    // As many rows as take these bytes. While that is unknown, as many as were deleted since, starting with one.
    const rows = Math.max(1, Math.min(bytes / leastRowBytes, Math.max(bytes * rowsPerByte, before - told.rows)));
    const end = endOfOldest(deletion, { rows, bytes, staying });
    if (end === undefined) {
      break;
    }
    yield* deleteBefore(deletion, end, false);
    // Halved, not reset: most likely the same events have to be passed over again.
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

/** Whole days, so that a day is read either from its hours or from its own cell. */
function startOfDay(at: number): number {
  return Math.floor(at / dayMs) * dayMs;
}

/** Kinds whose rows may be the oldest. */
const aging = kinds.filter((kind) => kind !== 'runTotals');

/** The most that a step deletes. */
interface Step {
  readonly rows: number;
  /** Content of artifacts. */
  readonly bytes: number;
  /** How many of the oldest events of runs are passed over. */
  readonly staying: number;
}

/**
 * Returns a time before which there are rows, but in no table many more than a step deletes; undefined if nothing is left. A
 * table with fewer rows than that sets no bound: they may all belong to a run that is still going on.
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

/** How many of the oldest artifacts make up so many bytes, at most `rows`: one may be as large as thousands of other rows. */
function artifactsOf(db: Connection, rows: number, bytes: number): number {
  const { table, key } = keptTables.artifacts;
  const oldest = `SELECT ${key} AS key, length(bytes) AS size FROM ${table} ORDER BY ${key} LIMIT :rows`;
  const sums = `SELECT total(size) OVER (ORDER BY key) AS sum FROM (${oldest})`;
  const within = db.prepare(`SELECT count(*) FROM (${sums}) WHERE sum < :bytes`).pluck();
  return Math.min(rows, (within.get({ rows, bytes }) as number) + 1);
}

function firstRowsOf(
  db: Connection,
  { table, key, time, ages = 'TRUE' }: KeptTable,
  rows: number,
): { readonly count: number; readonly latest: number | null } {
  const some = `SELECT ${time} AS time FROM ${table} AS kept WHERE ${ages} ORDER BY ${key} LIMIT ?`;
  return db.prepare(`SELECT count(*) AS count, max(time) AS latest FROM (${some})`).get(rows) as never;
}

function total({ rows }: Deletion): number {
  return [...rows.values()].reduce((sum, count) => sum + count, 0);
}

function oldestExecution(db: Connection): number | undefined {
  const at = db.prepare(`SELECT min(seq) >> ${tailBits} FROM execution_events`).pluck().get() as number | null;
  return at ?? undefined;
}

/** Whether `before` would delete more than half of the executions. Counts all of them. */
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
