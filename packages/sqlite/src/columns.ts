import type { JsonValue } from '@toolweaver/analytics-core';
import type { Column, Slice, Subject } from './slice.ts';

/** Encodes events as columns; undefined in place of a column for which no event has a value. */
export type Encode<E> = (events: readonly E[], names: Names) => (Column | undefined)[];

/** A column that is filled row by row. */
interface Filling<T> {
  set(row: number, value: T | undefined): void;
  /** Undefined if no row has a value. */
  column(): Column | undefined;
}

/** Numbers the texts and subjects of a batch. */
export interface Names {
  text(text: string): number;
  subject(kind: string, name: string): number;
}

export function numbering(): Names & { takeNew(): Pick<Slice, 'texts' | 'subjects'> } {
  const texts = new Map<string, number>();
  const kinds = new Map<string, Map<string, number>>();
  let latestKind: string | undefined;
  /** Subjects of `latestKind`: consecutive events are mostly of one kind. */
  let subjects = new Map<string, number>();
  let subjectCount = 0;
  let newTexts: string[] = [];
  let newSubjects: Subject[] = [];
  return {
    text(text) {
      let known = texts.get(text);
      if (known === undefined) {
        known = texts.size + 1;
        texts.set(text, known);
        newTexts.push(text);
      }
      return known;
    },
    subject(kind, name) {
      if (kind !== latestKind) {
        latestKind = kind;
        subjects = kinds.get(kind) ?? new Map();
        kinds.set(kind, subjects);
      }
      let known = subjects.get(name);
      if (known === undefined) {
        known = subjectCount;
        subjectCount += 1;
        subjects.set(name, known);
        newSubjects.push({ kind, name });
      }
      return known;
    },
    takeNew() {
      const taken = { texts: newTexts, subjects: newSubjects };
      newTexts = [];
      newSubjects = [];
      return taken;
    },
  };
}

export function numbers(name: string, rows: number): Filling<number> {
  let values: Float64Array<ArrayBuffer> | undefined;
  return {
    set(row, value) {
      if (value !== undefined) {
        values ??= new Float64Array(rows).fill(Number.NaN);
        values[row] = value;
      }
    },
    column: () => values && { name, type: 'number', values },
  };
}

export function texts(name: string, rows: number, names: Names): Filling<string> {
  let values: Uint32Array<ArrayBuffer> | undefined;
  return {
    set(row, value) {
      if (value !== undefined) {
        values ??= new Uint32Array(rows);
        values[row] = names.text(value);
      }
    },
    column: () => values && { name, type: 'text', values },
  };
}

/** Leaves the numbering to the writer thread: of thousands of names, it takes several times as long as all other columns. */
export function lines(name: string, rows: number): Filling<string> {
  return joined(rows, '', (values) => ({ name, type: 'lines', text: values.join('\n') }));
}

const noUuid = ' '.repeat(36);

export function uuids(name: string, rows: number): Filling<string> {
  return joined(rows, noUuid, (values) => ({ name, type: 'uuid', digits: values.join('') }));
}

/** `nothing` stands for NULL. */
function joined(rows: number, nothing: string, join: (values: readonly string[]) => Column): Filling<string> {
  let values: string[] | undefined;
  return {
    set(row, value) {
      if (value !== undefined) {
        values ??= new Array<string>(rows).fill(nothing);
        values[row] = value;
      }
    },
    column: () => values && join(values),
  };
}

export function number<E>(name: string, get: (event: E) => number | undefined): Encode<E> {
  return (events) => filled(numbers(name, events.length), events, get);
}

export function flag<E>(name: string, get: (event: E) => boolean | undefined): Encode<E> {
  return number(name, (event) => {
    const value = get(event);
    return value === undefined ? undefined : Number(value);
  });
}

export function text<E>(name: string, get: (event: E) => string | undefined): Encode<E> {
  return (events, names) => filled(texts(name, events.length, names), events, get);
}

export function uuid<E>(name: string, get: (event: E) => string | undefined): Encode<E> {
  return (events) => filled(uuids(name, events.length), events, get);
}

function filled<E, T>(
  filling: Filling<T>,
  events: readonly E[],
  get: (event: E) => T | undefined,
): (Column | undefined)[] {
  for (let row = 0; row < events.length; row += 1) {
    filling.set(row, get(events[row] as E));
  }
  return [filling.column()];
}

export function subject<E>(get: (event: E) => Subject): Encode<E> {
  return (events, names) => {
    const values = new Uint32Array(events.length);
    for (const [row, event] of events.entries()) {
      const { kind, name } = get(event);
      values[row] = names.subject(kind, name);
    }
    return [{ name: 'subject', type: 'subject', values }];
  };
}

export function plain<E>(name: string, get: (event: E) => string | Uint8Array | undefined): Encode<E> {
  return (events) => {
    const values = events.map((event) => get(event) ?? null);
    return [values.some((value) => value !== null) ? { name, type: 'plain', values } : undefined];
  };
}

export function json<E>(
  name: string,
  get: (event: E) => JsonValue | Readonly<Record<string, number>> | undefined,
): Encode<E> {
  return plain(name, (event) => {
    const value = get(event);
    return value === undefined ? undefined : JSON.stringify(value);
  });
}
