import Database from 'better-sqlite3';
import { expect } from 'vitest';
import {
  addCell,
  addEntry,
  type Cell,
  dayMs,
  emptySum,
  type Figures,
  fromErrorsText,
  fromLatencyBlob,
  fromUsersBlob,
  hourMs,
  monthMs,
  toCell,
} from '../../src/cell.ts';
import { readLine } from '../../src/fold.ts';
import { createSketchSum, quantiles } from '../../src/sketch.ts';

/** One execution, as its row says it. */
interface Row {
  readonly subject: number;
  readonly model: number | null;
  readonly org: number | null;
  readonly user: number | null;
  readonly at: number;
  readonly weight: number | null;
  readonly success: number;
  readonly latency_ms: number | null;
  readonly error_type: number | null;
  readonly input_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly cost_nano_usd: number | null;
  readonly cache_hit: number | null;
}

type Stored = Readonly<Figures> & {
  readonly width: number;
  readonly org: number;
  readonly start: number;
  readonly subject: number;
  readonly model: number;
  readonly errors: string | null;
  readonly latency: Buffer | null;
  readonly users: Buffer | null;
};

/**
 * Checks that the roll-ups of a file, its log included, say exactly what its rows say: nothing lost, nothing counted twice.
 * @returns how many cells were compared.
 */
export function expectRollupsHold(path: string): number {
  const db = new Database(path, { readonly: true });
  try {
    const [found, rows] = db.transaction((): [Map<string, Cell>, Map<string, Row[]>] => [
      foundCells(db),
      rowsByCell(db.prepare('SELECT * FROM execution_events').all() as Row[]),
    ])();
    expect([...found.keys()].sort()).toEqual([...rows.keys()].sort());
    for (const [key, cell] of found) {
      sameCell(key, cell, rows.get(key) as Row[]);
    }
    return found.size;
  } finally {
    db.close();
  }
}

function foundCells(db: Database.Database): Map<string, Cell> {
  const sums = new Map<string, ReturnType<typeof emptySum>>();
  const add = (key: string, cell: Cell): void => {
    const sum = sums.get(key) ?? emptySum(monthMs);
    sums.set(key, sum);
    addCell(sum, cell);
  };
  for (const row of db.prepare('SELECT * FROM rollups JOIN rollup_sketches USING (cell)').iterate()) {
    const { width, org, start, subject, model, errors, latency, users, ...figures } = row as Stored;
    const cell = {
      figures,
      latency: fromLatencyBlob(latency),
      users: fromUsersBlob(users),
      errors: fromErrorsText(errors),
    };
    add(`${width} ${org} ${start} ${subject} ${model}`, cell);
  }
  for (const cells of db.prepare('SELECT cells FROM rollup_log').pluck().iterate() as Iterable<Buffer>) {
    readLine(cells, (entry) => {
      for (const name of keysOf(entry.at, entry.org, entry.subject, entry.model)) {
        const sum = sums.get(name) ?? emptySum(monthMs);
        sums.set(name, sum);
        addEntry(sum, entry);
      }
    });
  }
  const sketches = createSketchSum();
  return new Map(Array.from(sums, ([key, sum]) => [key, toCell(sum, sketches)]));
}

function rowsByCell(rows: readonly Row[]): Map<string, Row[]> {
  const cells = new Map<string, Row[]>();
  for (const row of rows) {
    for (const key of keysOf(row.at, row.org ?? 0, row.subject, row.model ?? 0)) {
      cells.set(key, [...(cells.get(key) ?? []), row]);
    }
  }
  return cells;
}

/** Of the cells that an execution belongs to: an organisation has cells of days only. */
function keysOf(at: number, org: number, subject: number, model: number): string[] {
  const key = (width: number, whose: number): string =>
    `${width} ${whose} ${Math.floor(at / width) * width} ${subject} ${model}`;
  return [key(hourMs, 0), key(dayMs, 0), key(monthMs, 0), ...(org === 0 ? [] : [key(dayMs, org)])];
}

function sameCell(key: string, { figures, latency, users, errors }: Cell, rows: readonly Row[]): void {
  const sum = (value: (row: Row) => number | null): number =>
    rows.reduce((total, row) => total + (row.weight ?? 1) * (value(row) ?? 0), 0);
  const known = rows.flatMap(({ latency_ms: ms, weight }) => (ms === null ? [] : [{ ms, weight: weight ?? 1 }]));
  const expected: Figures = {
    executions: sum(() => 1),
    successes: sum(({ success }) => success),
    latency_weight: sum(({ latency_ms }) => Number(latency_ms !== null)),
    latency_sum: sum(({ latency_ms }) => latency_ms),
    latency_min: known.length === 0 ? null : Math.min(...known.map(({ ms }) => ms)),
    latency_max: known.length === 0 ? null : Math.max(...known.map(({ ms }) => ms)),
    first_at: Math.min(...rows.map(({ at }) => at)),
    last_at: Math.max(...rows.map(({ at }) => at)),
    input_tokens: sum(({ input_tokens }) => input_tokens),
    cache_read_tokens: sum(({ cache_read_tokens }) => cache_read_tokens),
    cache_write_tokens: sum(({ cache_write_tokens }) => cache_write_tokens),
    output_tokens: sum(({ output_tokens }) => output_tokens),
    reasoning_tokens: sum(({ reasoning_tokens }) => reasoning_tokens),
    cost_nano_usd: sum(({ cost_nano_usd }) => cost_nano_usd),
    cost_weight: sum(({ cost_nano_usd }) => Number(cost_nano_usd !== null)),
    cache_hits: sum(({ cache_hit }) => cache_hit),
    cache_misses: sum(({ cache_hit }) => (cache_hit === null ? 0 : 1 - cache_hit)),
  };
  for (const [name, value] of Object.entries(expected)) {
    expect(closeTo(figures[name as keyof Figures], value), `${name} of ${key} is ${value}`).toBe(true);
  }
  expect(users).toEqual({
    level: 0,
    ids: [...new Set(rows.flatMap(({ user }) => user ?? []))].sort((one, other) => one - other),
  });
  const failures = new Map<number, number>();
  for (const { success, error_type, weight } of rows) {
    if (success === 0) {
      failures.set(error_type ?? 0, (failures.get(error_type ?? 0) ?? 0) + (weight ?? 1));
    }
  }
  expect(new Map([...errors].sort())).toEqual(new Map([...failures].sort()));
  samePercentiles(key, latency, known);
}

function samePercentiles(
  key: string,
  latency: Cell['latency'],
  known: readonly { readonly ms: number; readonly weight: number }[],
): void {
  const sorted = known.toSorted((one, other) => one.ms - other.ms);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const shares = [0.25, 0.5, 0.95, 0.99, 1];
  for (const [at, share] of shares.entries()) {
    let reached = 0;
    const exact = sorted.find(({ weight }) => {
      reached += weight;
      return reached >= share * total * (1 - 1e-12);
    })?.ms;
    const found = quantiles(latency, shares)[at];
    const isClose =
      exact === undefined ? found === undefined : Math.abs((found ?? Number.NaN) - exact) <= exact * 0.01 + 1e-9;
    expect(isClose, `the ${share} quantile of ${key} is about ${exact}, found ${found}`).toBe(true);
  }
}

/** Sums in another order differ in their last digits. */
function closeTo(found: number | null, expected: number | null): boolean {
  return (
    found === expected ||
    (found !== null &&
      expected !== null &&
      Math.abs(found - expected) <= 1e-9 * Math.max(Math.abs(found), Math.abs(expected)))
  );
}

/** How many executions the days of all organisations come to, whether or not their rows are still there. */
export function rolledUpExecutions(path: string): number {
  const db = new Database(path, { readonly: true });
  try {
    const cells = db.transaction(() => foundCells(db))();
    return [...cells]
      .filter(([key]) => key.startsWith(`${dayMs} 0 `))
      .reduce((sum, [, { figures }]) => sum + figures.executions, 0);
  } finally {
    db.close();
  }
}
