import { dayMs, hourMs } from '../cell.ts';
import { type Connection, type DatabaseConfig, transaction } from '../database.ts';
import { tailBits } from '../sequence.ts';
import { countRows, type KeptTable, type Kind, keptTables, kinds, type RowCounts } from './kept.ts';
import { createPace, type Pace } from './pace.ts';
import { readSize } from './size.ts';

// Deletes the oldest rows, in steps of a few ms between which others get the lock. What executions came to stays in the roll-ups.

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

/** Kept for their runs' sake rather than by their own age. */
const ofRuns: readonly Kind[] = ['runEvents', 'runTotals'];
const walked = kinds.filter((kind) => kind !== 'executions' && kind !== 'runEvents');
/** What may be the oldest. */
const aging = kinds.filter((kind) => kind !== 'runTotals');

interface Pruning {
  readonly db: Connection;
  readonly config: DatabaseConfig;
  readonly paces: ReadonlyMap<Kind, Pace>;
  readonly rows: Map<Kind, number>;
  hourlyCells: number;
  from: number | null;
  to: number | null;
}

/** Yields between the steps. */
export function* prune(
  db: Connection,
  config: DatabaseConfig,
  { now, before, hoursBefore, maxBytes }: PrunePlan,
): Generator<void, PruneReport> {
  const pruning: Pruning = {
    db,
    config,
    paces: new Map(kinds.map((kind) => [kind, createPace()])),
    rows: new Map(),
    hourlyCells: 0,
    from: null,
    to: null,
  };
  const { usedBytes } = readSize(db);
  if (before !== undefined) {
    yield* deleteBefore(pruning, before, true);
  }
  if (hoursBefore !== undefined) {
    yield* deleteHours(pruning, Math.min(hoursBefore, oldestExecution(db) ?? hoursBefore));
  }
  if (maxBytes !== undefined) {
    yield* deleteToSize(pruning, maxBytes, now);
  }
  return {
    dryRun: false,
    rows: countRows((kind) => pruning.rows.get(kind) ?? 0),
    hourlyCells: pruning.hourlyCells,
    freedBytes: Math.max(0, usedBytes - readSize(db).usedBytes),
    from: pruning.from,
    to: pruning.to,
  };
}

/** `everywhere`: also where younger rows were added before them, as by an import. */
function* deleteBefore(pruning: Pruning, before: number, everywhere: boolean): Generator<void> {
  yield* deleteExecutions(pruning, before);
  for (const kind of walked) {
    yield* walk(pruning, kind, before, everywhere);
  }
  yield* deleteRuns(pruning, before, everywhere);
}

function* deleteExecutions(pruning: Pruning, before: number): Generator<void> {
  const { db } = pruning;
  const pace = paceOf(pruning, 'executions');
  // Keys pass the integers that a number holds exactly.
  const findLast = db
    .prepare(`
      SELECT min(seq) AS first, max(seq) AS last
      FROM (SELECT seq FROM execution_events WHERE seq < (? << ${tailBits}) ORDER BY seq LIMIT ?)`)
    .safeIntegers();
  const remove = db.prepare('DELETE FROM execution_events WHERE seq <= ?');
  for (;;) {
    const found = findLast.get(Math.floor(before), pace.rows) as { first: bigint | null; last: bigint | null };
    if (found.first === null || found.last === null) {
      return;
    }
    const { first, last } = found;
    const newest = Number(last >> BigInt(tailBits));
    step(pruning, pace, () => {
      note(pruning, 'executions', remove.run(last).changes, Number(first >> BigInt(tailBits)), newest);
      setFloor(db, 'executions', newest + 1);
    });
    yield;
  }
}

/** Looks at all rows, a window after the other, since the times of most tables have no index; deletes what is old there. */
function* walk(pruning: Pruning, kind: Kind, before: number, everywhere: boolean): Generator<void> {
  const { db } = pruning;
  const { table, key, time } = keptTables[kind];
  const pace = paceOf(pruning, kind);
  const look = db.prepare(`
    SELECT max(key) AS last, count(*) FILTER (WHERE time < :before) AS old,
      min(time) FILTER (WHERE time < :before) AS oldest, max(time) FILTER (WHERE time < :before) AS newest
    FROM (SELECT ${key} AS key, ${time} AS time FROM ${table} WHERE ${key} > :after ORDER BY ${key} LIMIT :rows)`);
  const remove = db.prepare(`DELETE FROM ${table} WHERE ${key} > :after AND ${key} <= :last AND ${time} < :before`);
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const started = performance.now();
    const { last, old, oldest, newest } = look.get({ before, after, rows: pace.rows }) as Window;
    if (last === null || (old === 0 && !everywhere)) {
      return;
    }
    if (old > 0) {
      step(pruning, pace, () => {
        note(pruning, kind, remove.run({ before, after, last }).changes, oldest, newest);
      });
    } else {
      pace.took(performance.now() - started);
    }
    after = last;
    yield;
  }
}

interface Window {
  readonly last: number | null;
  readonly old: number;
  readonly oldest: number | null;
  readonly newest: number | null;
}

/** A run that is still reported on, or still has rows, keeps its start. */
function* deleteRuns(pruning: Pruning, before: number, everywhere: boolean): Generator<void> {
  const { db } = pruning;
  const pace = paceOf(pruning, 'runEvents');
  const look = db.prepare(`
    SELECT run, min(at) AS oldest, max(at) AS newest FROM run_events
    WHERE run > ? GROUP BY run ORDER BY run LIMIT ?`);
  const ended = `
    (SELECT max(at) FROM run_events WHERE run = :run) < :before
    AND NOT EXISTS (SELECT 1 FROM execution_events WHERE run = :run)
    AND NOT EXISTS (SELECT 1 FROM metrics_events WHERE run = :run)
    AND NOT EXISTS (SELECT 1 FROM artifact_events WHERE run = :run)`;
  const remove = db.prepare(`DELETE FROM run_events WHERE run = :run AND ${ended}`);
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const started = performance.now();
    const runs = look.all(after, pace.rows) as { run: number; oldest: number; newest: number }[];
    const last = runs.at(-1);
    const old = runs.filter(({ newest }) => newest < before);
    if (last === undefined || (old.length === 0 && !everywhere)) {
      return;
    }
    if (old.length > 0) {
      step(pruning, pace, () => {
        for (const { run, oldest, newest } of old) {
          note(pruning, 'runEvents', remove.run({ run, before }).changes, oldest, newest);
        }
      });
    } else {
      pace.took(performance.now() - started);
    }
    after = last.run;
    yield;
  }
}

/** Cells of hours, one organisation after the other, as their key begins with it; last those of all, who tell that there are any. */
function* deleteHours(pruning: Pruning, before: number): Generator<void> {
  const { db } = pruning;
  // Whole days, so that a day is answered from its hours or from its own cell.
  const day = startOfDay(before);
  const isThere = db.prepare(`SELECT 1 FROM rollups WHERE width = ${hourMs} AND org = 0 AND start < ? LIMIT 1`);
  if (isThere.get(day) === undefined) {
    return;
  }
  const pace = createPace();
  const nextOrg = db.prepare(`SELECT max(org) FROM rollups WHERE width = ${hourMs} AND org < ?`).pluck();
  const some = `FROM rollups WHERE width = ${hourMs} AND org = :org AND start < :day
    ORDER BY width, org, start, subject, model LIMIT :rows`;
  const removeSketches = db.prepare(`DELETE FROM rollup_sketches WHERE cell IN (SELECT cell ${some})`);
  const remove = db.prepare(`DELETE ${some}`);
  let org = nextOrg.get(Number.MAX_SAFE_INTEGER) as number | null;
  while (org !== null) {
    step(pruning, pace, () => {
      setFloor(db, 'hours', day);
      for (let left = pace.rows; left > 0 && org !== null; ) {
        const window = { org, day, rows: left };
        removeSketches.run(window);
        const { changes } = remove.run(window);
        pruning.hourlyCells += changes;
        if (changes < left) {
          org = nextOrg.get(org) as number | null;
        }
        // Looking takes time, too.
        left -= changes + 1;
      }
    });
    yield;
  }
}

/** How many times as long as rows hourly cells are kept where there is no room for both: without a bound they would push all rows out. */
const hoursToRows = 4;

/** Up to when hourly cells go when rows go up to `end` for lack of room. */
export function hoursEnd(now: number, end: number): number {
  return startOfDay(now - hoursToRows * (now - end));
}

function* deleteToSize(pruning: Pruning, maxBytes: number, now: number): Generator<void> {
  const { db } = pruning;
  const fits = (): boolean => readSize(db).usedBytes <= maxBytes;
  let hoursBefore = Number.MIN_SAFE_INTEGER;
  // How much further to reach where all that is old belongs to runs that go on.
  for (let reach = 1; !fits() && reach < 1e6; ) {
    const end = endOfOldest(pruning, reach);
    if (end === undefined) {
      break;
    }
    const before = total(pruning);
    yield* deleteBefore(pruning, end, false);
    reach = total(pruning) > before ? 1 : reach * 4;
    const left = oldestExecution(db);
    const day = left === undefined ? hoursBefore : hoursEnd(now, left);
    if (day > hoursBefore) {
      hoursBefore = day;
      yield* deleteHours(pruning, day);
    }
  }
  const oldestHour = db.prepare(`SELECT min(start) FROM rollups WHERE width = ${hourMs} AND org = 0`).pluck();
  while (!fits()) {
    const start = oldestHour.get() as number | null;
    if (start === null) {
      return;
    }
    yield* deleteHours(pruning, start + dayMs);
  }
}

function startOfDay(at: number): number {
  return Math.floor(at / dayMs) * dayMs;
}

/** A time before which there are rows, but in no table many more than a step takes. Undefined when there is nothing left. */
function endOfOldest(pruning: Pruning, reach: number): number | undefined {
  const ends = aging.flatMap((kind) => {
    const rows = paceOf(pruning, kind).rows * reach;
    const end = latestOfFirst(pruning.db, keptTables[kind], rows);
    return end === null ? [] : [end + 1];
  });
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function latestOfFirst(db: Connection, { table, key, time }: KeptTable, rows: number): number | null {
  const some = `SELECT ${time} AS time FROM ${table} ORDER BY ${key} LIMIT ?`;
  return db.prepare(`SELECT max(time) FROM (${some})`).pluck().get(rows) as number | null;
}

function step(pruning: Pruning, pace: Pace, body: () => void): void {
  let started = 0;
  transaction(pruning.db, pruning.config, () => {
    // Not what it has waited for the lock.
    started = performance.now();
    body();
  });
  pace.took(performance.now() - started);
}

function note(pruning: Pruning, kind: Kind, count: number, oldest: number | null, newest: number | null): void {
  pruning.rows.set(kind, (pruning.rows.get(kind) ?? 0) + count);
  if (count > 0 && !ofRuns.includes(kind) && oldest !== null && newest !== null) {
    pruning.from = Math.min(pruning.from ?? oldest, oldest);
    pruning.to = Math.max(pruning.to ?? newest, newest);
  }
}

function total({ rows }: Pruning): number {
  return [...rows.values()].reduce((sum, count) => sum + count, 0);
}

function paceOf({ paces }: Pruning, kind: Kind): Pace {
  return paces.get(kind) as Pace;
}

export function oldestExecution(db: Connection): number | undefined {
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

/** Says up to when rows or cells are gone. It only ever rises. */
function setFloor(db: Connection, name: 'executions' | 'hours', before: number): void {
  db.prepare(
    'INSERT INTO floors (name, before) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET before = max(before, excluded.before)',
  ).run(name, before);
}
