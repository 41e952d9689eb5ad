import fc from 'fast-check';
import { revoked } from './odd.ts';

function trap(): never {
  throw new Error('trap');
}

const traps = Object.fromEntries(
  [
    'get',
    'set',
    'has',
    'deleteProperty',
    'ownKeys',
    'getOwnPropertyDescriptor',
    'defineProperty',
    'getPrototypeOf',
    'setPrototypeOf',
    'isExtensible',
    'preventExtensions',
    'apply',
    'construct',
  ].map((name) => [name, trap]),
);

function throwingGetters(): object {
  const fields = [
    'type',
    'name',
    'skillId',
    'toolName',
    'model',
    'values',
    'id',
    'timeoutMs',
    'kind',
    'then',
    'toJSON',
  ];
  return Object.defineProperties(
    {},
    Object.fromEntries(fields.map((field) => [field, { get: trap, enumerable: true }])),
  );
}

function cycle(): object {
  const list: unknown[] = [];
  const object = { list, self: {} as unknown };
  object.self = object;
  list.push(object);
  return object;
}

function nested(depth: number): object {
  let object = {};
  for (let level = 0; level < depth; level += 1) {
    object = { deep: object };
  }
  return object;
}

function rejected(): Promise<never> {
  const promise = Promise.reject(new Error('of the host'));
  promise.catch(() => {});
  return promise;
}

const frozen = Object.freeze({ type: 'execution', kind: 'tool', name: 'x', success: true });
const huge = 'x'.repeat(1_000_000);

/** Values made to hurt whoever looks at them; each comes from a function, so that nobody does before its time. */
const weapons: readonly (() => unknown)[] = [
  revoked,
  () => new Proxy({}, traps),
  () => new Proxy(() => 1, traps),
  () => new Proxy([], traps),
  () => new Proxy({ type: 'execution', kind: 'tool', name: 'x', success: true }, {}),
  throwingGetters,
  () => ({ toString: trap, valueOf: trap, toJSON: trap, [Symbol.toPrimitive]: trap, [Symbol.iterator]: trap }),
  () => Object.assign(() => 1, { toString: trap, call: trap, apply: trap }),
  cycle,
  () => nested(50),
  () => nested(5000),
  () => Symbol('s'),
  () => Symbol.iterator,
  () => 10n ** 30n,
  () => huge,
  () => '\ud800\0\u202e',
  () => Number.NaN,
  () => -0,
  () => Number.POSITIVE_INFINITY,
  () => Number.MIN_VALUE,
  () => 2 ** 53,
  () => new Date(Number.NaN),
  () => new Error('x', { cause: cycle() }),
  () => new WeakMap(),
  () => new Uint8Array(4),
  () => new SharedArrayBuffer(4),
  () => structuredClone(new ArrayBuffer(8)),
  () => frozen,
  () => JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
  () => Object.create(null),
  () => globalThis,
  () => Object.prototype,
  () => function* generator() {},
  () => async () => {},
  () => class Class {},
  rejected,
  () => Promise.resolve(1),
  () => new Array(3),
  () => Object.setPrototypeOf([], null),
];

/** Functions that return any value of JavaScript. */
export const anyValue: fc.Arbitrary<() => unknown> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...weapons) },
  {
    weight: 3,
    arbitrary: fc
      .anything({
        withBigInt: true,
        withBoxedValues: true,
        withDate: true,
        withMap: true,
        withNullPrototype: true,
        withObjectString: true,
        withSet: true,
        withSparseArray: true,
        withTypedArray: true,
        withUnicodeString: true,
        maxDepth: 2,
        maxKeys: 4,
      } as fc.ObjectConstraints)
      .map((value) => () => value),
  },
);
