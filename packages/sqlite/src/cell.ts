import { type ByteReader, type ByteWriter, byteReader, byteWriter } from './bytes.ts';
import { emptySketch, readSketch, type Sketch, type SketchSum, writeSketch } from './sketch.ts';
import { noUsers, readUsers, type UserSet, userSet, writeUsers } from './users.ts';

export const hourMs = 3_600_000;
export const dayMs: number = 24 * hourMs;

/** Whose executions a cell counts. Numbers are ids of their tables; 0 is none, and for `org` none or all. */
export interface CellKey {
  readonly org: number;
  /** Unix time in ms at which its hour or day begins. */
  readonly start: number;
  readonly subject: number;
  readonly model: number;
}

/** Sums over executions, each as often as its weight says. */
export interface Figures {
  executions: number;
  successes: number;
  latency_weight: number;
  latency_sum: number;
  latency_min: number | null;
  latency_max: number | null;
  first_at: number;
  last_at: number;
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cost_nano_usd: number;
  cost_weight: number;
  cache_hits: number;
  cache_misses: number;
}

export interface Cell {
  readonly figures: Readonly<Figures>;
  readonly latency: Sketch;
  readonly users: UserSet;
  /** Failures by the type of their error. */
  readonly errors: ReadonlyMap<number, number>;
}

/** A cell while it is being added up: in any order, and only put in order at the end. */
export interface Sum {
  readonly figures: Figures;
  readonly bins: number[];
  readonly weights: number[];
  readonly users: number[];
  usersLevel: number;
  readonly errors: Map<number, number>;
}

/** Error types of which a cell keeps count; the rest go to 0, which is also where failures without a type are. */
const maxErrorTypes = 100;

const sums = [
  'executions',
  'successes',
  'latency_weight',
  'latency_sum',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_nano_usd',
  'cost_weight',
  'cache_hits',
  'cache_misses',
] as const satisfies readonly (keyof Figures)[];

export const figureNames: readonly (keyof Figures)[] = [...sums, 'latency_min', 'latency_max', 'first_at', 'last_at'];

export function emptyFigures(): Figures {
  return {
    executions: 0,
    successes: 0,
    latency_weight: 0,
    latency_sum: 0,
    latency_min: null,
    latency_max: null,
    first_at: Number.POSITIVE_INFINITY,
    last_at: Number.NEGATIVE_INFINITY,
    input_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    cost_nano_usd: 0,
    cost_weight: 0,
    cache_hits: 0,
    cache_misses: 0,
  };
}

export function emptySum(): Sum {
  return { figures: emptyFigures(), bins: [], weights: [], users: [], usersLevel: 0, errors: new Map() };
}

export function addCell(sum: Sum, { figures, latency, users, errors }: Cell): void {
  addFigures(sum.figures, figures);
  for (let at = 0; at < latency.bins.length; at += 1) {
    sum.bins.push(latency.bins[at] as number);
    sum.weights.push(latency.weights[at] as number);
  }
  for (const id of users.ids) {
    sum.users.push(id);
  }
  sum.usersLevel = Math.max(sum.usersLevel, users.level);
  for (const [type, failures] of errors) {
    addError(sum.errors, type, failures);
  }
}

function addFigures(target: Figures, source: Readonly<Figures>): void {
  for (const name of sums) {
    target[name] += source[name];
  }
  target.latency_min = lower(target.latency_min, source.latency_min);
  target.latency_max = higher(target.latency_max, source.latency_max);
  target.first_at = Math.min(target.first_at, source.first_at);
  target.last_at = Math.max(target.last_at, source.last_at);
}

/** `sketches` is empty before and after. */
export function toCell({ figures, bins, weights, users, usersLevel, errors }: Sum, sketches: SketchSum): Cell {
  sketches.addAll({ bins, weights });
  return { figures, latency: sketches.take(), users: userSet(users, usersLevel), errors };
}

export function addError(errors: Map<number, number>, type: number, failures: number): void {
  const kept = errors.has(type) || errors.size < maxErrorTypes ? type : 0;
  errors.set(kept, (errors.get(kept) ?? 0) + failures);
}

export function lower(one: number | null, other: number | null): number | null {
  return one === null || (other !== null && other < one) ? other : one;
}

export function higher(one: number | null, other: number | null): number | null {
  return one === null || (other !== null && other > one) ? other : one;
}

// A line of the log: hourly cells, one after the other.

export function writeCell(writer: ByteWriter, key: CellKey, { figures, latency, users, errors }: Cell): void {
  writer.whole(key.start / hourMs);
  writer.whole(key.org);
  writer.whole(key.subject);
  writer.whole(key.model);
  writer.whole(figures.first_at - key.start);
  writer.whole(figures.last_at - key.start);
  let present = 0;
  for (let at = 0; at < sums.length; at += 1) {
    present |= figures[sums[at] as (typeof sums)[number]] === 0 ? 0 : 1 << at;
  }
  writer.whole(present);
  for (let at = 0; at < sums.length; at += 1) {
    if (present & (1 << at)) {
      writer.number(figures[sums[at] as (typeof sums)[number]]);
    }
  }
  if (figures.latency_min !== null && figures.latency_max !== null) {
    writer.whole(1);
    writer.number(figures.latency_min);
    writer.number(figures.latency_max);
    writeSketch(writer, latency);
  } else {
    writer.whole(0);
  }
  writeUsers(writer, users);
  writer.whole(errors.size);
  for (const [type, failures] of errors) {
    writer.whole(type);
    writer.number(failures);
  }
}

export function readCell(reader: ByteReader): { readonly key: CellKey; readonly cell: Cell } {
  const start = reader.whole() * hourMs;
  const key = { start, org: reader.whole(), subject: reader.whole(), model: reader.whole() };
  const figures = emptyFigures();
  figures.first_at = start + reader.whole();
  figures.last_at = start + reader.whole();
  const present = reader.whole();
  for (let at = 0; at < sums.length; at += 1) {
    if (present & (1 << at)) {
      figures[sums[at] as (typeof sums)[number]] = reader.number();
    }
  }
  let latency = emptySketch;
  if (reader.whole() === 1) {
    figures.latency_min = reader.number();
    figures.latency_max = reader.number();
    latency = readSketch(reader);
  }
  const users = readUsers(reader);
  const errors = new Map<number, number>();
  for (let left = reader.whole(); left > 0; left -= 1) {
    const type = reader.whole();
    errors.set(type, reader.number());
  }
  return { key, cell: { figures, latency, users, errors } };
}

// The columns of a cell that are no figures.

export function latencyBlob(sketch: Sketch): Uint8Array | null {
  if (sketch.bins.length === 0) {
    return null;
  }
  const writer = byteWriter();
  writeSketch(writer, sketch);
  return writer.take();
}

export function usersBlob(users: UserSet): Uint8Array | null {
  if (users.ids.length === 0) {
    return null;
  }
  const writer = byteWriter();
  writeUsers(writer, users);
  return writer.take();
}

export function fromLatencyBlob(blob: Buffer | null): Sketch {
  return blob === null ? emptySketch : readSketch(byteReader(blob));
}

export function fromUsersBlob(blob: Buffer | null): UserSet {
  return blob === null ? noUsers : readUsers(byteReader(blob));
}

export function errorsText(errors: ReadonlyMap<number, number>): string | null {
  return errors.size === 0 ? null : JSON.stringify(Object.fromEntries(errors));
}

export function fromErrorsText(text: string | null): Map<number, number> {
  const errors: Record<string, number> = text === null ? {} : JSON.parse(text);
  return new Map(Object.entries(errors).map(([type, failures]) => [Number(type), failures]));
}

/** Things by the keys of cells. */
export function cellMap<T>(make: (key: CellKey) => T): {
  get(start: number, org: number, subject: number, model: number): T;
  values(): Iterable<T>;
} {
  const all: T[] = [];
  const hours = new Map<number, Map<number, Map<number, T>>>();
  // Most of what follows each other is of one hour, and of one model.
  let last = { start: -1, model: -1, cells: new Map<number, T>() };

  function cellsOf(start: number, model: number): Map<number, T> {
    const models = hours.get(start) ?? new Map<number, Map<number, T>>();
    hours.set(start, models);
    const cells = models.get(model) ?? new Map<number, T>();
    models.set(model, cells);
    return cells;
  }

  return {
    get(start, org, subject, model) {
      if (start !== last.start || model !== last.model) {
        last = { start, model, cells: cellsOf(start, model) };
      }
      // Ids count up from 1, so these two fit into a number together.
      const key = subject * 2 ** 27 + org;
      let value = last.cells.get(key);
      if (value === undefined) {
        value = make({ start, org, subject, model });
        last.cells.set(key, value);
        all.push(value);
      }
      return value;
    },
    values: () => all,
  };
}
