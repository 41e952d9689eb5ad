import { runInNewContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';
import { configError } from '../src/for-backends.ts';
import { AnalyticsError, isAnalyticsError } from '../src/index.ts';

describe('AnalyticsError', () => {
  test('is an error with a code, and with what it was given', () => {
    const cause = new Error('inner');
    const problems = [{ field: 'f', message: 'm' }];
    const error = new AnalyticsError('BACKEND_UNAVAILABLE', 'down', {
      cause,
      backend: 'otlp',
      problems,
      retryAfterMs: 5,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'AnalyticsError', code: 'BACKEND_UNAVAILABLE', message: 'down' });
    expect(error).toMatchObject({ cause, backend: 'otlp', problems, retryAfterMs: 5 });
    expect(error.stack).toContain('errors.test.ts');
  });

  test('says in JSON what it is about, and not what caused it', () => {
    const error = new AnalyticsError('BACKEND_UNAVAILABLE', 'down', { backend: 'otlp', cause: new Error('inner') });
    expect(JSON.parse(JSON.stringify({ error })).error).toEqual({
      name: 'AnalyticsError',
      code: 'BACKEND_UNAVAILABLE',
      message: 'down',
      backend: 'otlp',
      problems: [],
    });
  });

  test('has no cause when none was given, and no problems', () => {
    const error = new AnalyticsError('CLOSED', 'closed');
    expect('cause' in error).toBe(false);
    expect(error.problems).toEqual([]);
    expect(error.backend).toBeUndefined();
  });
});

describe('isAnalyticsError', () => {
  test('knows one of its own', () => {
    expect(isAnalyticsError(new AnalyticsError('CLOSED', 'x'))).toBe(true);
  });

  test('knows one of another copy of this package', async () => {
    vi.resetModules();
    const copy = await import('../src/errors.ts');
    const foreign = new copy.AnalyticsError('CLOSED', 'x');
    expect(foreign).not.toBeInstanceOf(AnalyticsError);
    expect(isAnalyticsError(foreign)).toBe(true);
  });

  const { proxy: revoked, revoke } = Proxy.revocable(new AnalyticsError('CLOSED', 'x'), {});
  revoke();
  const hostile = new Proxy(new AnalyticsError('CLOSED', 'x'), {
    getPrototypeOf() {
      throw new Error('trap');
    },
  });
  test.each([
    [new Error('x')],
    [{ name: 'AnalyticsError', code: 'CLOSED', message: 'x' }],
    [undefined],
    [null],
    ['CLOSED'],
    [Symbol('s')],
    [runInNewContext('new Error("x")')],
    [() => revoked],
    [() => hostile],
  ])('knows that %o is none', (value: unknown) => {
    expect(isAnalyticsError(typeof value === 'function' ? value() : value)).toBe(false);
  });
});

test('a configuration error lists its problems', () => {
  const problems = [
    { field: 'A', message: 'is wrong' },
    { field: 'B', message: 'is missing' },
  ];
  const error = configError(problems);
  expect(error).toMatchObject({ code: 'INVALID_CONFIG', problems });
  expect(error.message).toBe('Invalid analytics options: 2 problems:\n  - A: is wrong\n  - B: is missing');
});
