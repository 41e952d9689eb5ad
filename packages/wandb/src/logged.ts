import { type Shape, shapeOf } from './batch.ts';
import { stampKeys } from './run-state.ts';

/** A value and its JSON text. */
export interface Logged {
  readonly value: unknown;
  readonly text: string;
}

const maxShapes = 1_000;

/** The shapes of rows that a program logs: few of them, again and again. */
export function createShapeBook(): { of(keys: readonly string[]): Shape } {
  const shapes = new Map<string, Shape>();
  return {
    of(keys) {
      const name = keys.join('\0');
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

/** A copy of plain data that later changes do not reach. */
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
