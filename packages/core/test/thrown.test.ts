import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { describeThrown } from '../src/values/thrown.ts';
import { oddThrown, revoked } from './support/odd.ts';

class ApiTimeoutError extends Error {}

class T extends Error {}

class ToolError extends Error {
  override readonly name = 'ToolError';
}

function withCode(code: unknown, name = 'Error'): Error {
  return Object.assign(new Error('m'), { code, name });
}

describe('what is recorded of a thrown value', () => {
  test.each([
    ['its name', new TypeError('m'), { type: 'TypeError', message: 'm' }],
    ['the name of a class of the user', new ToolError('m'), { type: 'ToolError', message: 'm' }],
    ['its code where the name says nothing', withCode('ENOENT'), { type: 'ENOENT', message: 'm' }],
    ['its code in lower case', withCode('invalid_api_key'), { type: 'invalid_api_key', message: 'm' }],
    ['its class where nothing else does', new ApiTimeoutError('m'), { type: 'ApiTimeoutError', message: 'm' }],
    ['no class whose name may have been shortened', new T('m'), { type: 'Error', message: 'm' }],
    ['its type where neither does', Object.assign(withCode(1), { type: 'quota' }), { type: 'quota', message: 'm' }],
    ['its name where it says something', withCode('ERR_X', 'TypeError'), { type: 'TypeError', message: 'm' }],
    ['no code that is a sentence', withCode('not found'), { type: 'Error', message: 'm' }],
    ['no code that is a number', withCode(404), { type: 'Error', message: 'm' }],
    ['an abort', new DOMException('m', 'AbortError'), { type: 'AbortError', message: 'm' }],
    ['an abort of Node', withCode('ABORT_ERR'), { type: 'AbortError', message: 'm' }],
    ['a timeout', new DOMException('m', 'TimeoutError'), { type: 'TimeoutError', message: 'm' }],
    ['an error of another realm', runInNewContext('new RangeError("m")'), { type: 'RangeError', message: 'm' }],
    ['an error as plain data', { name: 'ApiError', message: 'm' }, { type: 'ApiError', message: 'm' }],
    ['an error of many', new AggregateError([], 'm'), { type: 'AggregateError', message: 'm' }],
    ['data with a name', { name: 'Ada', email: 'ada@example.org' }, { type: 'NonError' }],
    ['data without anything', {}, { type: 'NonError' }],
    ['an error without a name', Object.assign(new Error('m'), { name: ' ' }), { type: 'NonError', message: 'm' }],
    ['a string', 'boom', { type: 'NonError', message: 'boom' }],
    ['undefined', undefined, { type: 'NonError', message: 'undefined' }],
    ['null', null, { type: 'NonError', message: 'null' }],
    ['a number', 5, { type: 'NonError', message: '5' }],
    ['a BigInt', 5n, { type: 'NonError', message: '5' }],
    ['a symbol', Symbol('s'), { type: 'NonError', message: 'Symbol(s)' }],
    ['a function', () => 'code', { type: 'NonError', message: 'a function' }],
  ])('%s', (_, thrown, expected) => {
    expect(describeThrown(thrown)).toEqual(expected);
  });

  test('an object that cannot be read is told as such', () => {
    expect(describeThrown(revoked())).toEqual({ type: 'NonError', message: 'an object that cannot be read' });
  });

  test.each(oddThrown)('%s does no harm', (_, thrown) => {
    expect(describeThrown(thrown()).type).toMatch(/^[A-Za-z]+$/);
  });

  test('a signal that was aborted and one that timed out are told apart', async () => {
    const timeout = AbortSignal.timeout(0);
    await new Promise((resolve) => timeout.addEventListener('abort', resolve));
    expect(describeThrown(timeout.reason).type).toBe('TimeoutError');
    expect(describeThrown(AbortSignal.abort().reason).type).toBe('AbortError');
  });
});
