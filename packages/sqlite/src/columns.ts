import type { JsonValue } from '@toolweaver/analytics-core';
import type { Column, Slice, Subject } from './slice.ts';

/** Makes the column of some events, or nothing when none of them has a value for it. */
export type Encode<E> = (events: readonly E[], names: Names) => Column | undefined;

/** Gives texts and subjects their numbers within a batch. */
export interface Names {
  text(text: string): number;
  subject(kind: string, name: string): number;
}

export function numbering(): Names & { takeNew(): Pick<Slice, 'texts' | 'subjects'> } {
  const texts = new Map<string, number>();
  const kinds = new Map<string, Map<string, number>>();
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
      let subjects = kinds.get(kind);
      if (subjects === undefined) {
        subjects = new Map();
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

export function number<E>(name: string, get: (event: E) => number | undefined): Encode<E> {
  return (events) => {
    let values: Float64Array<ArrayBuffer> | undefined;
    for (let row = 0; row < events.length; row += 1) {
      const value = get(events[row] as E);
      if (value !== undefined) {
        values ??= new Float64Array(events.length).fill(Number.NaN);
        values[row] = value;
      }
    }
    return values && { name, type: 'number', values };
  };
}

export function flag<E>(name: string, get: (event: E) => boolean | undefined): Encode<E> {
  return number(name, (event) => {
    const value = get(event);
    return value === undefined ? undefined : Number(value);
  });
}

export function text<E>(name: string, get: (event: E) => string | undefined): Encode<E> {
  return (events, names) => {
    let values: Uint32Array<ArrayBuffer> | undefined;
    for (let row = 0; row < events.length; row += 1) {
      const value = get(events[row] as E);
      if (value !== undefined) {
        values ??= new Uint32Array(events.length);
        values[row] = names.text(value);
      }
    }
    return values && { name, type: 'text', values };
  };
}

export function subject<E>(get: (event: E) => Subject): Encode<E> {
  return (events, names) => {
    const values = new Uint32Array(events.length);
    for (let row = 0; row < events.length; row += 1) {
      const { kind, name } = get(events[row] as E);
      values[row] = names.subject(kind, name);
    }
    return { name: 'subject', type: 'subject', values };
  };
}

export function plain<E>(name: string, get: (event: E) => string | Uint8Array | undefined): Encode<E> {
  return (events) => {
    const values = events.map((event) => get(event) ?? null);
    return values.some((value) => value !== null) ? { name, type: 'plain', values } : undefined;
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

const uuidLength = 36;
/** Where the bytes of a UUID begin in its text. */
const bytePositions = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;
/** The value of a lower-case hexadecimal digit by its code. */
const digitValues: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => (code < 58 ? code - 48 : code - 87));

export function uuid<E>(name: string, get: (event: E) => string | undefined): Encode<E> {
  return (events) => {
    const known = new Uint8Array(events.length);
    const texts: string[] = [];
    for (let row = 0; row < events.length; row += 1) {
      const value = get(events[row] as E);
      if (value !== undefined) {
        known[row] = 1;
        texts.push(value);
      }
    }
    if (texts.length === 0) {
      return undefined;
    }
    const values = new Uint8Array(events.length * 16);
    // Bytes in place of texts: to ask a text for each of its characters takes several times as long.
    const digits = Buffer.from(texts.join(''), 'latin1');
    let from = 0;
    for (let row = 0; row < events.length; row += 1) {
      if (known[row] === 1) {
        for (let byte = 0; byte < 16; byte += 1) {
          const at = from + (bytePositions[byte] as number);
          const high = digitValues[digits[at] as number] as number;
          values[row * 16 + byte] = (high << 4) | (digitValues[digits[at + 1] as number] as number);
        }
        from += uuidLength;
      }
    }
    return { name, type: 'uuid', values, ...(texts.length < events.length && { known }) };
  };
}
