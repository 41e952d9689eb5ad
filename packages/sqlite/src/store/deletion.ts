import { hourMs } from '../cell.ts';
import { type Connection, type DatabaseConfig, transaction } from '../database.ts';
import { tailBits } from '../sequence.ts';
import { type Kind, keptTables, kinds } from './kept.ts';
import { createPace, type Pace } from './pace.ts';

// Deletes rows from before a time, in steps of a few ms between which others get the lock.

/** What has been deleted so far, and how fast. */
export interface Deletion {
  readonly db: Connection;
  readonly config: DatabaseConfig;
  readonly paces: ReadonlyMap<Kind, Pace>;
  readonly rows: Map<Kind, number>;
  hourlyCells: number;
  /** Times of the oldest and newest deleted event. */
  from: number | null;
  to: number | null;
}

/** Kinds that are kept as long as their run, whatever their own age. */
const ofRuns: readonly Kind[] = ['runEvents', 'runTotals'];
const walked = kinds.filter((kind) => kind !== 'executions' && !ofRuns.includes(kind));
/** Kinds whose rows keep the events and totals of their run. Health scores, which may stay for ever, do so until they are old. */
const inRuns = kinds.filter((kind) => kind !== 'recommendations' && kind !== 'healthScores' && !ofRuns.includes(kind));

export function createDeletion(db: Connection, config: DatabaseConfig): Deletion {
  const paces = new Map(kinds.map((kind) => [kind, createPace()]));
  return { db, config, paces, rows: new Map(), hourlyCells: 0, from: null, to: null };
}

/** With `everywhere`, also finds old rows that were added after younger ones, e.g. by an import. */
export function* deleteBefore(deletion: Deletion, before: number, everywhere: boolean): Generator<void> {
  yield* deleteExecutions(deletion, before);
  for (const kind of walked) {
    yield* walk(deletion, kind, before, everywhere);
  }
  yield* deleteRuns(deletion, before, everywhere);
}

function* deleteExecutions(deletion: Deletion, before: number): Generator<void> {
  const { db } = deletion;
  const pace = paceOf(deletion, 'executions');
  // Keys exceed the safe integers of JavaScript.
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
    step(deletion, pace, () => {
      note(deletion, 'executions', remove.run(last).changes, Number(first >> BigInt(tailBits)), newest);
      setFloor(db, 'executions', newest + 1);
    });
    yield;
  }
}

/** Scans all rows in windows, as the times of most tables have no index, and deletes the old ones. */
function* walk(deletion: Deletion, kind: Kind, before: number, everywhere: boolean): Generator<void> {
  const { db } = deletion;
  const { table, key, time, ages = 'TRUE' } = keptTables[kind];
  const pace = paceOf(deletion, kind);
  const goes = `${time} < :before AND ${ages}`;
  const look = db.prepare(`
    SELECT max(key) AS last, count(*) FILTER (WHERE time < :before) AS old,
      min(time) FILTER (WHERE goes) AS oldest, max(time) FILTER (WHERE goes) AS newest
    FROM (
      SELECT ${key} AS key, ${time} AS time, ${goes} AS goes
      FROM ${table} AS kept WHERE ${key} > :after ORDER BY ${key} LIMIT :rows
    )`);
  const remove = db.prepare(`DELETE FROM ${table} AS kept WHERE ${key} > :after AND ${key} <= :last AND ${goes}`);
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const started = performance.now();
    const { last, old, oldest, newest } = look.get({ before, after, rows: pace.rows }) as Window;
    if (last === null || (old === 0 && !everywhere)) {
      return;
    }
    if (oldest !== null) {
      step(deletion, pace, () => {
        note(deletion, kind, remove.run({ before, after, last }).changes, oldest, newest);
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

/** Deletes the events, totals and last metrics of runs that are over. */
function* deleteRuns(deletion: Deletion, before: number, everywhere: boolean): Generator<void> {
  const { db } = deletion;
  const pace = paceOf(deletion, 'runEvents');
  const look = db.prepare(`
    SELECT run, max(newest) AS newest FROM (
      SELECT * FROM (
        SELECT run, max(at) AS newest FROM run_events WHERE run > :after GROUP BY run ORDER BY run LIMIT :rows
      )
      UNION ALL
      SELECT * FROM (SELECT run, last_at FROM run_rollups WHERE run > :after ORDER BY run LIMIT :rows)
      UNION ALL
      SELECT * FROM (SELECT run, max(at) FROM run_metrics WHERE run > :after GROUP BY run ORDER BY run LIMIT :rows)
    ) GROUP BY run ORDER BY run LIMIT :rows`);
  const isOver = db.prepare(`SELECT ${runIsOver(':run')}`).pluck();
  const removals = ofRuns.map((kind) => ({
    kind,
    remove: db.prepare(`DELETE FROM ${keptTables[kind].table} WHERE run = ?`),
  }));
  const removeMetrics = db.prepare('DELETE FROM run_metrics WHERE run = ?');
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const started = performance.now();
    const runs = look.all({ after, rows: pace.rows }) as { run: number; newest: number }[];
    const last = runs.at(-1);
    const old = runs.filter(({ newest }) => newest < before);
    if (last === undefined || (old.length === 0 && !everywhere)) {
      return;
    }
    if (old.length > 0) {
      step(deletion, pace, () => {
        for (const { run } of old) {
          if (isOver.get({ run, before, rowsFrom: Number.MIN_SAFE_INTEGER }) === 1) {
            for (const { kind, remove } of removals) {
              note(deletion, kind, remove.run(run).changes, null, null);
            }
            removeMetrics.run(run);
          }
        }
      });
    } else {
      pace.took(performance.now() - started);
    }
    after = last.run;
    yield;
  }
}

/** A condition: the run has no events, totals or health scores from `:before` on, and no other rows from `:rowsFrom` on. */
export function runIsOver(run: string): string {
  const none = (kind: Kind, from: string): string => {
    const { table, time } = keptTables[kind];
    return `NOT EXISTS (SELECT 1 FROM ${table} WHERE run = ${run} AND ${time} >= ${from})`;
  };
  const young = [...ofRuns, 'healthScores' as const].map((kind) => none(kind, ':before'));
  return [...young, ...inRuns.map((kind) => none(kind, ':rowsFrom'))].join(' AND ');
}

/** Deletes hourly cells from before the start of a day; organisations have none. */
export function* deleteHours(deletion: Deletion, day: number): Generator<void> {
  const { db } = deletion;
  const some = `FROM rollups WHERE width = ${hourMs} AND org = 0 AND start < :day`;
  const isThere = db.prepare(`SELECT 1 ${some} LIMIT 1`);
  const first = `${some} ORDER BY width, org, start, subject, model LIMIT :rows`;
  const removeSketches = db.prepare(`DELETE FROM rollup_sketches WHERE cell IN (SELECT cell ${first})`);
  const remove = db.prepare(`DELETE ${first}`);
  for (const pace = createPace(); isThere.get({ day }) !== undefined; ) {
    step(deletion, pace, () => {
      setFloor(db, 'hours', day);
      const window = { day, rows: pace.rows };
      removeSketches.run(window);
      deletion.hourlyCells += remove.run(window).changes;
    });
    yield;
  }
}

function step({ db, config }: Deletion, pace: Pace, body: () => void): void {
  let started = 0;
  // A deletion that a power loss undoes is repeated later, so nobody should wait until it is on disk.
  db.pragma('synchronous = normal');
  try {
    transaction(db, config, () => {
      // Does not count the time spent waiting for the lock.
      started = performance.now();
      body();
    });
  } finally {
    db.pragma(`synchronous = ${config.synchronous}`);
  }
  pace.took(performance.now() - started);
}

function note(deletion: Deletion, kind: Kind, count: number, oldest: number | null, newest: number | null): void {
  deletion.rows.set(kind, (deletion.rows.get(kind) ?? 0) + count);
  if (count > 0 && !ofRuns.includes(kind) && oldest !== null && newest !== null) {
    deletion.from = Math.min(deletion.from ?? oldest, oldest);
    deletion.to = Math.max(deletion.to ?? newest, newest);
  }
}

export function paceOf({ paces }: Deletion, kind: Kind): Pace {
  return paces.get(kind) as Pace;
}

/** Records the time before which rows or cells were deleted. It only ever rises. */
function setFloor(db: Connection, name: 'executions' | 'hours', before: number): void {
  db.prepare(
    'INSERT INTO floors (name, before) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET before = max(before, excluded.before)',
  ).run(name, before);
}
