import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../src/index.ts';
import { eventOf, minimal, refusalOf } from './support/normalize.ts';

function attributesOf(attributes: unknown): JsonObject {
  return (eventOf({ ...minimal.health, attributes }) as { attributes: JsonObject }).attributes;
}

function reasonFor(attributes: unknown): string {
  return refusalOf({ ...minimal.health, attributes }).message;
}

describe('attributes', () => {
  test('hold what JSON holds; the rest is left out or null, as JSON.stringify does it', () => {
    const given = {
      date: new Date(0),
      nan: Number.NaN,
      infinite: Number.POSITIVE_INFINITY,
      undefined: undefined,
      function: () => 1,
      symbol: Symbol('s'),
      list: [undefined, () => 1],
      map: new Map([[1, 2]]),
      own: { toJSON: () => 'shown' },
    };
    expect(attributesOf(given)).toEqual({
      date: '1970-01-01T00:00:00.000Z',
      nan: null,
      infinite: null,
      list: [null, null],
      map: {},
      own: 'shown',
    });
  });

  test('are a copy', () => {
    const given = { list: [1], deep: { on: true } };
    const copy = attributesOf(given);
    given.list.push(2);
    given.deep.on = false;
    expect(copy).toEqual({ list: [1], deep: { on: true } });
  });

  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])('may have a key %s', (key) => {
    const copy = attributesOf(JSON.parse(`{"${key}":{"polluted":true}}`));
    expect(Object.entries(copy)).toEqual([[key, { polluted: true }]]);
    expect('polluted' in {}).toBe(false);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });

  test('are free of lone surrogates and control characters, in keys too; tabs and line breaks stay', () => {
    const dirty = '\0\u0007\b\f\u001f\u007f\u009f\ud800|\t\n\r|👍\\u0000\\b"\\';
    const clean = `${'\ufffd'.repeat(8)}|\t\n\r|👍\\u0000\\b"\\`;
    expect(attributesOf({ text: dirty, [dirty]: 1, list: [dirty] })).toEqual({
      text: clean,
      [clean]: 1,
      list: [clean],
    });
  });

  test.each([
    [16 * 1024, 'x'],
    [16 * 1024, 'é'],
    [16 * 1024, '日'],
  ])('may have %d bytes of JSON in UTF-8 and not one more, of %s', (max, character) => {
    const room = max - Buffer.byteLength('{"t":""}');
    const text = character.repeat(Math.floor(room / Buffer.byteLength(character)));
    const filled = text + 'x'.repeat(room - Buffer.byteLength(text));
    expect(attributesOf({ t: filled })).toEqual({ t: filled });
    const error = refusalOf({ ...minimal.health, attributes: { t: `${filled}x` } });
    expect(error.code).toBe('TOO_LARGE');
    expect(error.problems).toEqual([
      { field: 'attributes', message: 'must be at most 16384 bytes of JSON, got 16385' },
    ]);
  });

  test('may be nested 100 levels deep and not more', () => {
    const nested = (levels: number): unknown =>
      levels === 0 ? 1 : levels % 2 === 0 ? { a: nested(levels - 1) } : [nested(levels - 1)];
    expect(attributesOf(nested(100))).toEqual(nested(100));
    expect(reasonFor({ a: nested(100) })).toBe('attributes must be at most 100 levels deep');
    expect(reasonFor({ a: nested(2000) })).toBe('attributes must be at most 100 levels deep');
  });

  test('too deep for JSON.stringify are refused too', () => {
    let deep: unknown = {};
    for (let level = 0; level < 100_000; level += 1) {
      deep = { deep };
    }
    expect(reasonFor(deep)).toMatch(/^attributes must be JSON data: Maximum call stack size exceeded/);
  });

  test('with a cycle, a BigInt or what throws are refused with the reason', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const throwing = (thrown: unknown): object => ({
      toJSON() {
        throw thrown;
      },
    });
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('trap');
      },
      getPrototypeOf() {
        throw new Error('trap');
      },
    });
    expect(reasonFor(cycle)).toBe('attributes must be JSON data: Converting circular structure to JSON');
    expect(reasonFor({ big: 1n })).toBe('attributes must be JSON data: Do not know how to serialize a BigInt');
    expect(reasonFor(throwing(new Error('boom')))).toBe('attributes must be JSON data: boom');
    expect(reasonFor(throwing('text'))).toBe('attributes must be JSON data: text');
    expect(reasonFor(throwing(undefined))).toBe('attributes must be JSON data: undefined');
    expect(reasonFor(throwing(Symbol('s')))).toBe('attributes must be JSON data: Symbol(s)');
    expect(reasonFor(throwing(hostile))).toMatch(/^attributes must be JSON data: /);
  });

  test.each([
    ['a string', () => 'text'],
    ['a list', () => []],
    ['nothing', () => undefined],
    ['null', () => null],
  ])('that say %s of themselves are refused', (_, toJSON) => {
    expect(reasonFor({ toJSON })).toBe('attributes must be JSON data: must be an object');
  });

  test.each(['config', 'summary'])('the same holds for the %s of a run', (field) => {
    expect(eventOf({ ...minimal.run, [field]: { bad: '\0' } })).toMatchObject({ [field]: { bad: '\ufffd' } });
    expect(refusalOf({ ...minimal.run, [field]: { t: 'x'.repeat(16_384) } }).code).toBe('TOO_LARGE');
    expect(refusalOf({ ...minimal.run, [field]: { big: 1n } }).problems[0]?.field).toBe(field);
  });
});
