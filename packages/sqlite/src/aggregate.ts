import { byteWriter } from './bytes.ts';
import {
  addError,
  type CellKey,
  cellMap,
  emptySum,
  type Figures,
  higher,
  hourMs,
  lower,
  type Sum,
  toCell,
  writeCell,
} from './cell.ts';
import { binOf, createSketchSum } from './sketch.ts';
import type { Column, Rows } from './slice.ts';

// What the executions of one write come to: counted from their columns, while they are at hand.

/** What the executions of a run come to. Ids are of the dictionary. */
export interface RunTotals {
  org: number | null;
  user: number | null;
  first_at: number;
  last_at: number;
  executions: number;
  successes: number;
  tokens: number;
  cost_nano_usd: number;
  cost_weight: number;
}

export interface Aggregate {
  /** Ids of the database for the numbers of texts (from 1) and subjects (from 0) in the rows that follow. */
  add(rows: Rows, row: number): void;
  readonly runs: ReadonlyMap<number, RunTotals>;
  /** A line of the log; undefined when nothing was added. */
  takeCells(): Uint8Array | undefined;
}

interface Counting extends Sum {
  readonly key: CellKey;
}

/** `texts` and `subjects` are filled while the aggregate grows. */
export function createAggregate(texts: readonly number[], subjects: readonly number[]): Aggregate {
  const cells = cellMap((key): Counting => ({ key, ...emptySum() }));
  const runs = new Map<number, RunTotals>();
  let read = readColumns({ table: 'execution_events', places: new Uint32Array(), columns: [] });

  function textId(column: Uint32Array | undefined, row: number): number {
    const number = column === undefined ? 0 : (column[row] as number);
    return number === 0 ? 0 : (texts[number - 1] as number);
  }

  return {
    runs,
    add(rows, row) {
      if (read.rows !== rows) {
        read = readColumns(rows);
      }
      const at = read.at?.[row] as number;
      const weight = known(read.weight, row) ?? 1;
      const success = read.success?.[row] === 1;
      const subject = subjects[read.subject?.[row] as number] as number;
      const cell = cells.get(at - (at % hourMs), textId(read.org, row), subject, textId(read.model, row));
      const { figures } = cell;
      figures.executions += weight;
      figures.first_at = Math.min(figures.first_at, at);
      figures.last_at = Math.max(figures.last_at, at);
      if (success) {
        figures.successes += weight;
      } else {
        addError(cell.errors, textId(read.error, row), weight);
      }
      const latency = known(read.latency, row);
      if (latency !== undefined) {
        figures.latency_weight += weight;
        figures.latency_sum += weight * latency;
        figures.latency_min = lower(figures.latency_min, latency);
        figures.latency_max = higher(figures.latency_max, latency);
        cell.bins.push(binOf(latency));
        cell.weights.push(weight);
      }
      const user = textId(read.user, row);
      if (user !== 0) {
        cell.users.push(user);
      }
      let tokens = 0;
      if (known(read.input, row) !== undefined) {
        tokens = addTokens(figures, read, row, weight);
      }
      const cost = known(read.cost, row);
      if (cost !== undefined) {
        figures.cost_nano_usd += weight * cost;
        figures.cost_weight += weight;
      }
      const cacheHit = known(read.cacheHit, row);
      if (cacheHit !== undefined) {
        figures[cacheHit === 1 ? 'cache_hits' : 'cache_misses'] += weight;
      }
      const run = textId(read.run, row);
      if (run !== 0) {
        const totals = runs.get(run) ?? emptyRun();
        runs.set(run, totals);
        totals.org = textId(read.org, row) || totals.org;
        totals.user = user || totals.user;
        totals.first_at = Math.min(totals.first_at, at);
        totals.last_at = Math.max(totals.last_at, at);
        totals.executions += weight;
        totals.successes += success ? weight : 0;
        totals.tokens += tokens;
        totals.cost_nano_usd += weight * (cost ?? 0);
        totals.cost_weight += cost === undefined ? 0 : weight;
      }
    },
    takeCells() {
      const writer = byteWriter();
      const sketches = createSketchSum();
      let any = false;
      for (const cell of cells.values()) {
        any = true;
        writeCell(writer, cell.key, toCell(cell, sketches));
      }
      return any ? writer.take() : undefined;
    },
  };
}

/** @returns the weighted tokens of all classes. */
function addTokens(figures: Figures, read: Columns, row: number, weight: number): number {
  const [input, cacheRead, cacheWrite, output, reasoning] = [
    read.input,
    read.cacheRead,
    read.cacheWrite,
    read.output,
    read.reasoning,
  ].map((column) => weight * (known(column, row) ?? 0)) as [number, number, number, number, number];
  figures.input_tokens += input;
  figures.cache_read_tokens += cacheRead;
  figures.cache_write_tokens += cacheWrite;
  figures.output_tokens += output;
  figures.reasoning_tokens += reasoning;
  return input + cacheRead + cacheWrite + output + reasoning;
}

function emptyRun(): RunTotals {
  return {
    org: null,
    user: null,
    first_at: Number.POSITIVE_INFINITY,
    last_at: Number.NEGATIVE_INFINITY,
    executions: 0,
    successes: 0,
    tokens: 0,
    cost_nano_usd: 0,
    cost_weight: 0,
  };
}

/** The columns that are counted, found once for all rows of a layout. */
interface Columns {
  readonly rows: Rows;
  readonly at: Float64Array | undefined;
  readonly weight: Float64Array | undefined;
  readonly success: Float64Array | undefined;
  readonly latency: Float64Array | undefined;
  readonly input: Float64Array | undefined;
  readonly cacheRead: Float64Array | undefined;
  readonly cacheWrite: Float64Array | undefined;
  readonly output: Float64Array | undefined;
  readonly reasoning: Float64Array | undefined;
  readonly cost: Float64Array | undefined;
  readonly cacheHit: Float64Array | undefined;
  readonly subject: Uint32Array | undefined;
  readonly run: Uint32Array | undefined;
  readonly user: Uint32Array | undefined;
  readonly org: Uint32Array | undefined;
  readonly model: Uint32Array | undefined;
  readonly error: Uint32Array | undefined;
}

function readColumns(rows: Rows): Columns {
  const find = (name: string): Column | undefined => rows.columns.find((column) => column.name === name);
  const numbers = (name: string): Float64Array | undefined => {
    const column = find(name);
    return column?.type === 'number' ? column.values : undefined;
  };
  const names = (name: string): Uint32Array | undefined => {
    const column = find(name);
    return column?.type === 'text' || column?.type === 'subject' ? column.values : undefined;
  };
  return {
    rows,
    at: numbers('at'),
    weight: numbers('weight'),
    success: numbers('success'),
    latency: numbers('latency_ms'),
    input: numbers('input_tokens'),
    cacheRead: numbers('cache_read_tokens'),
    cacheWrite: numbers('cache_write_tokens'),
    output: numbers('output_tokens'),
    reasoning: numbers('reasoning_tokens'),
    cost: numbers('cost_nano_usd'),
    cacheHit: numbers('cache_hit'),
    subject: names('subject'),
    run: names('run'),
    user: names('user'),
    org: names('org'),
    model: names('model'),
    error: names('error_type'),
  };
}

/** NaN stands for a value that is not known. */
function known(column: Float64Array | undefined, row: number): number | undefined {
  const value = column?.[row];
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
