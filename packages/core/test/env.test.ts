import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type EnvReader, readEnv } from '../src/for-backends.ts';
import { AnalyticsError } from '../src/index.ts';

function read<T>(text: string | undefined, how: (vars: EnvReader) => T): T {
  return readEnv(text === undefined ? {} : { V: text }, how);
}

function problemOf(text: string, how: (vars: EnvReader) => unknown): string | undefined {
  return problemsOf(() => read(text, how))[0]?.message;
}

function problemsOf(run: () => unknown): AnalyticsError['problems'] {
  try {
    run();
  } catch (error) {
    if (error instanceof AnalyticsError && error.code === 'INVALID_CONFIG') {
      return error.problems;
    }
    throw error;
  }
  throw new Error('nothing was refused');
}

const readers: Record<string, (vars: EnvReader) => unknown> = {
  text: (vars) => vars.text('V'),
  secret: (vars) => vars.secret('V'),
  integer: (vars) => vars.integer('V'),
  number: (vars) => vars.number('V'),
  flag: (vars) => vars.flag('V'),
  choice: (vars) => vars.choice('V', ['a']),
  list: (vars) => vars.list('V'),
};

describe.each(Object.entries(readers))('%s', (_, how) => {
  test.each([undefined, '', ' ', '\t\r\n '])('%j is not set', (text) => {
    expect(read(text, how)).toBeUndefined();
  });

  test.each(['"a"', "'a'", ' "1" ', '""'])('%s is refused for its quotes', (text) => {
    expect(problemOf(text, how)).toMatch(/^must have no quotes around it/);
  });
});

test.each(['"', 'a"', `"a'`, '"a" and more', 'k="v"'])('text: %s stays as it is', (text) => {
  expect(read(text, (vars) => vars.text('V'))).toBe(text);
});

describe('text', () => {
  test('is trimmed', () => {
    expect(read('  /var/lib/a b.db\n', (vars) => vars.text('V'))).toBe('/var/lib/a b.db');
  });

  test('is that of the variable named, and of no other', () => {
    expect(readEnv({ A: '1', B: '2' }, (vars) => [vars.text('B'), vars.text('C'), vars.text('a')])).toEqual([
      '2',
      undefined,
      undefined,
    ]);
  });
});

describe('integer', () => {
  test.each([
    ['0', 0],
    ['42', 42],
    [' 42 ', 42],
    ['007', 7],
    ['+5', 5],
    ['-1', -1],
    ['-0', 0],
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
  ])('%j is %d', (text, expected) => {
    expect(read(text, (vars) => vars.integer('V'))).toBe(expected);
  });

  test.each(['1e3', '0x10', '0b1', '1.0', '1.5', '60s', '1_000', '1,000', '--1', '1 2', 'NaN', 'Infinity', '٣', '1n'])(
    '%j is refused',
    (text) => {
      expect(problemOf(text, (vars) => vars.integer('V'))).toBe(`must be a whole number, got "${text}"`);
    },
  );

  test.each([
    ['-1', { min: 0 }, 'must be a whole number >= 0, got "-1"'],
    ['0', { min: 1, max: 65_535 }, 'must be a whole number from 1 to 65535, got "0"'],
    ['65536', { min: 1, max: 65_535 }, 'must be a whole number from 1 to 65535, got "65536"'],
    ['5', { max: 4 }, 'must be a whole number up to 4, got "5"'],
    ['abc', { max: 4 }, 'must be a whole number up to 4, got "abc"'],
    [
      '9007199254740992',
      {},
      'must be a whole number from -9007199254740991 to 9007199254740991, got "9007199254740992"',
    ],
    [
      '99999999999999999999',
      { min: 1 },
      'must be a whole number from 1 to 9007199254740991, got "99999999999999999999"',
    ],
  ])('%s in %o: %s', (text, range, message) => {
    expect(problemOf(text, (vars) => vars.integer('V', range))).toBe(message);
  });

  test.each([
    ['1', { min: 1 }],
    ['65535', { min: 1, max: 65_535 }],
  ])('the bounds of a range are inside: %s in %o', (text, range) => {
    expect(read(text, (vars) => vars.integer('V', range))).toBe(Number(text));
  });
});

describe('number', () => {
  test.each([
    ['0.25', 0.25],
    ['.5', 0.5],
    ['5.', 5],
    ['-1.5', -1.5],
    ['10', 10],
    ['-0.0', 0],
  ])('%j is %d', (text, expected) => {
    expect(read(text, (vars) => vars.number('V'))).toBe(expected);
  });

  test.each(['1e3', '0x10', '.', '1.2.3', '50%', '0,5', 'NaN', 'Infinity', '-'])('%j is refused', (text) => {
    expect(problemOf(text, (vars) => vars.number('V'))).toBe(`must be a number, got "${text}"`);
  });

  test('has a range', () => {
    expect(problemOf('1.1', (vars) => vars.number('V', { min: 0, max: 1 }))).toBe(
      'must be a number from 0 to 1, got "1.1"',
    );
  });
});

describe('flag', () => {
  test.each([
    [['true', 'TRUE', 'yes', 'Yes', 'on', '1', ' true '], true],
    [['false', 'False', 'no', 'NO', 'off', '0'], false],
  ])('%j are %j', (texts, expected) => {
    expect(texts.map((text) => read(text, (vars) => vars.flag('V')))).toEqual(texts.map(() => expected));
  });

  test.each(['2', '-1', 'y', 't', 'enabled', 'nope', 'null', '00'])('%j is refused', (text) => {
    expect(problemOf(text, (vars) => vars.flag('V'))).toBe(`must be true or false, got "${text}"`);
  });
});

describe('choice', () => {
  const modes = ['relaxed', 'commit', 'Power-Safe'] as const;
  test.each([
    ['relaxed', 'relaxed'],
    ['COMMIT', 'commit'],
    ['power-safe', 'Power-Safe'],
  ])('%j is %j', (text, expected) => {
    expect(read(text, (vars) => vars.choice('V', modes))).toBe(expected);
  });

  test.each(['', 'rel', 'toString', 'commit,relaxed'].slice(1))('%j is refused', (text) => {
    expect(problemOf(text, (vars) => vars.choice('V', modes))).toBe(
      `must be one of relaxed, commit, Power-Safe, got "${text}"`,
    );
  });
});

describe('list', () => {
  test.each([
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    [' a , ,b c,, ', ['a', 'b c']],
    [',', []],
  ])('%j is %j', (text, expected) => {
    expect(read(text, (vars) => vars.list('V'))).toEqual(expected);
  });
});

describe('problems', () => {
  const env = { PORT: '60s', RATE: '2', DEBUG: 'maybe', MODE: 'x', TOKEN: 'canary-7f3a', BLANK: ' ' };
  const everything = (vars: EnvReader): unknown => {
    vars.secret('TOKEN');
    vars.text('BLANK');
    vars.problem('TOKEN', 'is too short');
    return [vars.integer('PORT'), vars.number('RATE', { max: 1 }), vars.flag('DEBUG'), vars.choice('MODE', ['a', 'b'])];
  };

  test('come all at once, in the order they were met', () => {
    expect(problemsOf(() => readEnv(env, everything))).toEqual([
      { field: 'TOKEN', message: 'is too short' },
      { field: 'PORT', message: 'must be a whole number, got "60s"' },
      { field: 'RATE', message: 'must be a number up to 1, got "2"' },
      { field: 'DEBUG', message: 'must be true or false, got "maybe"' },
      { field: 'MODE', message: 'must be one of a, b, got "x"' },
    ]);
  });

  test('are all in the message', () => {
    expect(() => readEnv(env, everything)).toThrow(
      /^Invalid analytics options: 5 problems:\n {2}- TOKEN: is too short\n {2}- PORT: .*\n.*\n.*\n {2}- MODE: /,
    );
    expect(() => readEnv({ PORT: 'x' }, (vars) => vars.integer('PORT'))).toThrow(
      'Invalid analytics options: PORT: must be a whole number, got "x"',
    );
  });

  test('never show a secret', () => {
    try {
      readEnv(env, everything);
    } catch (error) {
      expect(inspect(error, { depth: null, showHidden: true }) + JSON.stringify(error)).not.toContain('canary');
    }
    expect.assertions(1);
  });

  test('repeat at most 40 characters of a value, and no raw control character', () => {
    const message = problemOf(`\u001b[2J${'9'.repeat(5000)}`, (vars) => vars.integer('V')) as string;
    expect(message.length).toBeLessThan(120);
    expect(message).toContain('\\u001b');
  });

  test('leave no result, even when the reader made one', () => {
    expect(problemsOf(() => readEnv({ V: 'x' }, (vars) => ({ port: vars.integer('V') ?? 80 })))).toHaveLength(1);
  });
});

test.each([
  [undefined, 'env', 'must be an object of strings such as process.env, got undefined'],
  ['V=1', 'env', 'must be an object of strings such as process.env, got "V=1"'],
  [{ V: 8000 }, 'V', 'must be a string, not of type number'],
  [{ V: {} }, 'V', 'must be a string, not of type object'],
])('an environment such as %j is refused', (env, field, message) => {
  for (const how of Object.values(readers)) {
    expect(problemsOf(() => readEnv(env as never, how))).toEqual([{ field, message }]);
  }
});

test('what the reader throws itself is passed on', () => {
  const thrown = new Error('mine');
  expect(() =>
    readEnv({}, () => {
      throw thrown;
    }),
  ).toThrow(thrown);
});

test('a secret gives its value only when revealed', () => {
  const token = read('canary-7f3a', (vars) => vars.secret('V'));
  expect(token?.reveal()).toBe('canary-7f3a');
  expect(`${token}`).toBe('[redacted]');
});
