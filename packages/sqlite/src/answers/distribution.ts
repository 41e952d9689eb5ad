import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { byteReader } from '../bytes.ts';
import { higher, lower } from '../cell.ts';
import { binOf, createSketchSum, type Sketch, type SketchSum } from '../sketch.ts';
import { createUserUnion, type UserSet } from '../users.ts';
import { rowFigures } from './counted.ts';
import type { Db } from './filter.ts';
import { addUp, type Totals } from './numbers.ts';

export interface DistributionOptions {
  /** The group of a cell or row `c`, a whole number. Default: everything is one group, 0. */
  readonly by?: RawBuilder<number>;
  /** The groups to return; default: all. */
  readonly only?: readonly number[];
  readonly latency?: boolean;
  readonly users?: boolean;
  /** Also counts, so that single rows are read only once. */
  readonly counts?: boolean;
}

type CountName =
  | 'executions'
  | 'successes'
  | 'latency_weight'
  | 'latency_sum'
  | 'latency_min'
  | 'latency_max'
  | 'last_at';
const countNames: readonly CountName[] = [
  'executions',
  'successes',
  'latency_weight',
  'latency_sum',
  'latency_min',
  'latency_max',
  'last_at',
];
type Counts = Pick<Totals, CountName>;

export const noCounts: Counts = addUp([], countNames);

export interface Distribution {
  /** All zero unless requested. */
  readonly counts: Counts;
  readonly latency: Sketch;
  /** The number of users: exact up to 8192 in a cell, within 2 % or so beyond. */
  readonly users: number;
  /** The users: all of them (level 0), or a sample if they are too many. */
  sample(): UserSet;
}

/** Executions in cells that meet a condition on `rollups r`, and those that meet a condition on rows `e`. */
interface Sources {
  readonly cells: readonly RawBuilder<SqlBool>[];
  readonly rows: readonly RawBuilder<SqlBool>[];
  /** The FROM clause of rows. */
  readonly from: RawBuilder<unknown>;
}

interface Group {
  readonly sketches: SketchSum;
  /** In stored form. */
  readonly userSets: Buffer[];
  /** Ids from single rows. */
  readonly users: number[];
  counts: { -readonly [N in CountName]: Counts[N] };
}

interface CellBlobs {
  readonly group: number;
  readonly latency: Buffer | null;
  readonly users: Buffer | null;
}

interface RowValues {
  readonly group: number;
  readonly latency: number | null;
  readonly weight: number;
  readonly user: number | null;
  /** This and `at` are only there for counts. */
  readonly success: number;
  readonly at: number;
}

export async function readDistributions(
  db: Db,
  { cells, rows, from }: Sources,
  { by = sql`0`, only, latency = false, users = false, counts = false }: DistributionOptions,
): Promise<Map<number, Distribution>> {
  const groups = new Map<number, Group>();
  const groupOf = (key: number): Group => {
    const group = groups.get(key) ?? {
      sketches: createSketchSum(),
      userSets: [],
      users: [],
      counts: { ...noCounts },
    };
    groups.set(key, group);
    return group;
  };
  const wanted = only === undefined ? sql`TRUE` : sql`${by} IN (SELECT value FROM json_each(${JSON.stringify(only)}))`;
  for (const where of cells) {
    const { rows: found } = await sql<CellBlobs & Counts>`
      SELECT ${by} AS "group", ${latency ? sql`k.latency` : sql`NULL`} AS latency,
        ${users ? sql`k.users` : sql`NULL`} AS users
        ${counts ? sql.raw(countNames.map((name) => `, c.${name}`).join('')) : sql``}
      FROM (SELECT * FROM rollups r WHERE ${where}) c JOIN rollup_sketches k ON k.cell = c.cell
      WHERE ${wanted}`.execute(db);
    for (const row of found) {
      const group = groupOf(row.group);
      if (row.latency !== null) {
        group.sketches.addFrom(byteReader(row.latency));
      }
      if (row.users !== null) {
        group.userSets.push(row.users);
      }
      if (counts) {
        group.counts = addUp([group.counts, row], countNames);
      }
    }
  }
  for (const where of rows) {
    const { rows: single } = await sql<RowValues>`
      SELECT ${by} AS "group", c.latency_ms AS latency, c.weight, c.user
        ${counts ? sql`, c.success, c.start AS at` : sql``}
      FROM (SELECT ${rowFigures}, e.success, e.latency_ms, coalesce(e.weight, 1) AS weight FROM ${from} WHERE ${where}) c
      WHERE ${wanted}`.execute(db);
    for (const row of single) {
      const group = groupOf(row.group);
      if (row.latency !== null) {
        group.sketches.add(binOf(row.latency), row.weight);
      }
      if (row.user !== null) {
        group.users.push(row.user);
      }
      if (counts) {
        addRow(group.counts, row);
      }
    }
  }
  const united = createUserUnion();
  return new Map(
    Array.from(groups, ([key, { sketches, userSets, users, counts }]) => {
      for (const set of userSets) {
        united.add(byteReader(set));
      }
      for (const id of users) {
        united.addId(id);
      }
      const { users: count, sample } = united.take();
      return [key, { counts, latency: sketches.take(), users: count, sample }];
    }),
  );
}

/** Adds a row in JavaScript: each value computed by SQL instead would cost a tenth of reading the row. */
function addRow(counts: Group['counts'], { latency, weight, success, at }: RowValues): void {
  counts.executions += weight;
  counts.successes += weight * success;
  counts.last_at = higher(counts.last_at, at);
  if (latency !== null) {
    counts.latency_weight += weight;
    counts.latency_sum += weight * latency;
    counts.latency_min = lower(counts.latency_min, latency);
    counts.latency_max = higher(counts.latency_max, latency);
  }
}
