import { describeValue } from '@toolweaver/analytics-core/backend';
import { type Shape, shapeOf } from '../encoding/batch.ts';
import { stampKeys } from '../encoding/run-state.ts';
import { messageOf } from '../failure.ts';
import { jsonText } from '../json-text.ts';

/** A value and its JSON text. */
export interface Logged {
  readonly value: unknown;
  readonly text: string;
}

const maxShapes = 1_000;

/** Caches the shapes of logged rows: most programs log few shapes, repeatedly. */
export function createShapeBook(): { of(keys: readonly string[]): Shape } {
  const shapes = new Map<string, Shape>();
  return {
    of(keys) {
      // The number tells no key from an empty one.
      const name = `${keys.length} ${keys.join('\0')}`;
      let shape = shapes.get(name);
      if (shape === undefined) {
        shape = shapeOf([...keys, ...stampKeys]);
        if (shapes.size >= maxShapes) {
          shapes.clear();
        }
        shapes.set(name, shape);
      }
      return shape;
    },
  };
}

interface ReadOptions {
  /** Given for rows only, which may set `_timestamp`. May return a replacement for the value. */
  onMedia?(key: string, value: unknown): unknown;
  /** Called for a key whose value is undefined, which is then not an error. */
  onNone?(key: string): void;
}

/** Returns the JSON data of values, by key. Calls `skip` for values that are not data, and leaves them out. */
export function readValues(
  given: unknown,
  skip: (kind: string, message: string) => void,
  { onMedia, onNone }: ReadOptions = {},
): Map<string, Logged> {
  const read = new Map<string, Logged>();
  if (typeof given !== 'object' || given === null) {
    skip('values', 'values were left out: they must be an object');
    return read;
  }
  for (const key of Object.keys(given)) {
    try {
      const value: unknown = (given as Record<string, unknown>)[key];
      const isReserved = key.startsWith('_') && !(onMedia && key === '_timestamp');
      if (value === undefined && !isReserved && onNone !== undefined) {
        onNone(key);
        continue;
      }
      // No file must be queued for a value that is left out.
      const seen = isReserved ? undefined : (onMedia?.(key, value) ?? value);
      const text = jsonText(seen);
      if (text === undefined) {
        const why = isReserved
          ? 'keys that begin with _ are reserved'
          : `it must be JSON data, got ${describeValue(value)}`;
        skip('value', `the value of ${JSON.stringify(key)} was left out: ${why}`);
      } else {
        read.set(key, { value: snapshot(seen), text });
      }
    } catch (error) {
      skip('value', `the value of ${JSON.stringify(key)} was left out: ${messageOf(error)}`);
    }
  }
  return read;
}

/** Returns a deep copy of plain data. */
export function snapshot(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return snapshot(value.toJSON());
  }
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && Symbol.iterator in value)) {
    return Array.from(value as Iterable<unknown>, snapshot);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, snapshot(item)]));
}
