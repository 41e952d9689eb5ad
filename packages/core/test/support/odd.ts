import { AnalyticsError } from '../../src/index.ts';

function trap(): never {
  throw new Error('trap');
}

/** Values that people throw and that are no `AnalyticsError`: each behind a function, so that no test runner looks at it. */
export const oddThrown: readonly (readonly [what: string, thrown: () => unknown])[] = [
  ['a TypeError', () => new TypeError('x is not a function')],
  ['a frozen error', () => Object.freeze(new Error('frozen'))],
  [
    'an error whose getters throw',
    () => Object.defineProperties(new Error('x'), { name: { get: trap }, message: { get: trap } }),
  ],
  ['undefined', () => undefined],
  ['null', () => null],
  ['0', () => 0],
  ['NaN', () => Number.NaN],
  ['a string', () => 'text'],
  ['an empty text', () => ''],
  ['a symbol', () => Symbol('s')],
  ['a BigInt', () => 1n],
  ['a function', () => trap],
  ['an object that looks like it', () => ({ name: 'AnalyticsError', code: 'BACKEND_UNAVAILABLE', message: 'x' })],
  ['an object without a prototype', () => Object.create(null)],
  ['a rejected promise', () => handled(Promise.reject(new Error('inner')))],
  ['an AnalyticsError that cannot be read', () => new Proxy(new AnalyticsError('CLOSED', 'x'), { get: trap })],
  ['a revoked proxy', revoked],
  [
    'a proxy whose traps throw',
    () => new Proxy(new AnalyticsError('CLOSED', 'x'), { get: trap, getPrototypeOf: trap }),
  ],
];

function handled(promise: Promise<unknown>): Promise<unknown> {
  promise.catch(() => {});
  return promise;
}

export function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
