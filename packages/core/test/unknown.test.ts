import { unknownOptions } from '@toolweaver/analytics-core/backend';
import { expect, test } from 'vitest';

const known = { port: true, host: true } as const;

test.each([
  ['only known names', { port: 1, host: undefined }, []],
  ['nothing', {}, []],
  ['another name, not given', { prot: undefined }, []],
  ['another name', { prot: 1 }, [{ field: 'prot', message: 'is not an option; the options are port, host' }]],
  [
    'a name that objects inherit',
    { toString: 1 },
    [{ field: 'toString', message: 'is not an option; the options are port, host' }],
  ],
  ['a string', 'x.db', [{ field: 'options', message: 'must be an object, got "x.db"' }]],
  ['null', null, [{ field: 'options', message: 'must be an object, got null' }]],
  ['a promise', Promise.resolve({}), [{ field: 'options', message: 'must be an object, got a promise: await it' }]],
  ['an array', [1], [{ field: 'options', message: 'must be an object, got an array' }]],
])('%s', (_, given, problems) => {
  expect(unknownOptions(given, known)).toEqual(problems);
});

test('options that are part of others are named with them', () => {
  expect(unknownOptions({ prot: 1 }, known, 'server')).toEqual([
    { field: 'server.prot', message: 'is not an option; the options are port, host' },
  ]);
  expect(unknownOptions(1, known, 'server')).toEqual([{ field: 'server', message: 'must be an object, got 1' }]);
});
