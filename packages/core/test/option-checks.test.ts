import type { AnalyticsError } from '@toolweaver/analytics-core';
import { checkOptions, createOptionChecks, type OptionChecks } from '@toolweaver/analytics-core/backend';
import { describe, expect, test } from 'vitest';

function problemsOf(call: () => unknown): readonly string[] {
  try {
    call();
  } catch (error) {
    expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
    return (error as AnalyticsError).problems.map(({ field, message }) => `${field} ${message}`);
  }
  return [];
}

describe('a single option', () => {
  const clock = { now: () => 0, monotonic: () => 0, setTimeout: () => 0, clearTimeout() {} };
  const callback = (): void => {};
  test.each<[string, (check: OptionChecks, value: unknown) => unknown, unknown, readonly [unknown, string][]]>([
    [
      'text',
      (check, value) => check.text('x', value),
      ' a ',
      [
        [' ', 'must be a non-blank string, got " "'],
        [5, 'must be a non-blank string, got 5'],
        [null, 'must be a non-blank string, got null'],
      ],
    ],
    ['id', (check, value) => check.id('x', value), ' ', [['', 'must be a non-empty string, got ""']]],
    [
      'flag',
      (check, value) => check.flag('x', value),
      false,
      [
        ['false', 'must be true or false, got "false"'],
        [new Date(0), 'must be true or false, got a Date'],
      ],
    ],
    ['choice', (check, value) => check.choice('x', value, ['a', 'b']), 'b', [['c', 'must be one of a, b, got "c"']]],
    ['callback', (check, value) => check.callback('x', value), callback, [[{}, 'must be a function, got an object']]],
    [
      'clock',
      (check, value) => check.clock('x', value),
      clock,
      [[{}, 'must have the methods now, monotonic, setTimeout, clearTimeout, got an object']],
    ],
    [
      'any number',
      (check, value) => check.number('x', value),
      -1.5,
      [
        ['1', 'must be a finite number, got "1"'],
        [Number.NaN, 'must be a finite number, got NaN'],
        [Number.POSITIVE_INFINITY, 'must be a finite number, got Infinity'],
      ],
    ],
    [
      'a number from to',
      (check, value) => check.number('x', value, { min: 1, max: 2 }),
      2,
      [
        [0.9, 'must be a number from 1 to 2, got 0.9'],
        [2.1, 'must be a number from 1 to 2, got 2.1'],
      ],
    ],
    [
      'a whole number',
      (check, value) => check.number('x', value, { min: 1, whole: true }),
      1,
      [
        [1.5, 'must be a whole number >= 1, got 1.5'],
        [Number.POSITIVE_INFINITY, 'must be a whole number >= 1, got Infinity'],
      ],
    ],
    [
      'a number above',
      (check, value) => check.number('x', value, { above: 0 }),
      1e-9,
      [[0, 'must be a finite number above 0, got 0']],
    ],
    [
      'a share',
      (check, value) => check.number('x', value, { above: 0, max: 1, what: 'a share' }),
      1,
      [[2, 'must be a share above 0 and up to 1, got 2']],
    ],
    [
      'no highest number',
      (check, value) => check.number('x', value, { above: 0, max: Number.POSITIVE_INFINITY }),
      Number.POSITIVE_INFINITY,
      [[0, 'must be a number above 0, got 0']],
    ],
  ])('%s', (_, read, right, wrong) => {
    const problems: string[] = [];
    const check = createOptionChecks((field, message) => problems.push(`${field} ${message}`));
    expect([read(check, right), read(check, undefined), problems]).toEqual([right, undefined, []]);
    for (const [value, message] of wrong) {
      expect(read(check, value)).toBeUndefined();
      expect(problems.splice(0)).toEqual([`x ${message}`]);
    }
  });

  test('one that must be given is not undefined', () => {
    const problems: string[] = [];
    const { required } = createOptionChecks((field, message) => problems.push(`${field} ${message}`));
    expect([required.number('x', 1), required.url('y', 'https://a.example/')?.hostname]).toEqual([1, 'a.example']);
    expect([required.number('x', undefined), required.url('y', undefined)]).toEqual([undefined, undefined]);
    expect(problems).toEqual([
      'x must be a finite number, got undefined',
      'y must be a URL that begins with https:// or http://, got undefined',
    ]);
  });

  test('an id has the form that is recorded', () => {
    const check = createOptionChecks(expect.fail);
    expect(check.id('x', 'a\u0000b\nc')).toBe('a\ufffdb\ufffdc');
  });
});

describe('an address', () => {
  const given: string[] = [];
  const check = createOptionChecks((field, message) => given.push(`${field} ${message}`));
  const isNoUrl = 'must be a URL that begins with https:// or http://';
  const hasUser = 'must have no user or password in it';
  test.each(['http://localhost:9091', 'https://[::1]/a/b/', 'HTTPS://example.com'])('%s', (address) => {
    expect([check.url('x', address)?.href, given]).toEqual([new URL(address).href, []]);
  });

  test.each<[unknown, string]>([
    ['', isNoUrl],
    [null, isNoUrl],
    [7, isNoUrl],
    [new URL('http://localhost'), isNoUrl],
    ['s3cr3t.example', isNoUrl],
    ['s3cr3t:9091', isNoUrl],
    ['http://s3cr3t:x', isNoUrl],
    ['file:///s3cr3t', isNoUrl],
    ['https://s3cr3t@example.com', hasUser],
    ['https://:s3cr3t@example.com', hasUser],
    ['https://example.com/?s3cr3t', 'must have no query or # in it'],
    ['https://example.com/#s3cr3t', 'must have no query or # in it'],
  ])('%s is refused, and not repeated', (address, message) => {
    expect([check.url('x', address), given.splice(0)]).toEqual([undefined, [`x ${message}`]]);
  });

  test('may be missing, may have a query where that is allowed, and is told where credentials belong', () => {
    const parts = { query: true, credentials: 'give a token' };
    expect([check.url('x', undefined), check.url('x', 'http://a/?b', parts)?.search, given]).toEqual([
      undefined,
      '?b',
      [],
    ]);
    check.url('x', 'http://a/?b#c', parts);
    check.url('x', 'http://u@a/?b', parts);
    expect(given.splice(0)).toEqual(['x must have no # in it', `x ${hasUser}; give a token`]);
  });
});

test('all problems are thrown at once, those of names and of groups, too', () => {
  const options = { size: 0, colour: 'red', retry: { attempts: 3, delayMs: -1 }, tls: 'off' };
  const names = { size: true, retry: true, tls: true } as const;
  const read = (): unknown =>
    checkOptions<object, unknown>(options, names as never, (check, given) => {
      const { size, retry, tls } = given as Partial<typeof options>;
      check.number('size', size, { min: 1 });
      const { delayMs } = check.group('retry', retry, { delayMs: true } as never) as { delayMs: unknown };
      check.number('retry.delayMs', delayMs, { min: 0 });
      check.group('tls', tls as never, {} as never);
      check.problem('size', 'does not go with retry');
    });
  expect(problemsOf(read)).toEqual([
    'colour is not an option; the options are size, retry, tls',
    'size must be a finite number >= 1, got 0',
    'retry.attempts is not an option; the options are delayMs',
    'retry.delayMs must be a finite number >= 0, got -1',
    'tls must be an object, got "off"',
    'size does not go with retry',
  ]);
});

test('what is not an object is refused, and the options of it are read as missing', () => {
  for (const options of [null, 'sqlite', []]) {
    const read = (): unknown =>
      checkOptions<{ size?: number }, unknown>(options as never, { size: true }, (check, given) =>
        check.number('size', given.size),
      );
    expect(problemsOf(read)).toEqual([expect.stringMatching(/^options must be an object, got /)]);
  }
  expect(checkOptions(undefined, { size: true }, (_, given) => given)).toEqual({});
});
