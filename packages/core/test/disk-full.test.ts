import { isDiskFull } from '@toolweaver/analytics-core/backend';
import { expect, test } from 'vitest';

test.each<[unknown, boolean]>([
  ['ENOSPC', true],
  ['EDQUOT', true],
  ['EFBIG', true],
  ['EACCES', false],
  ['ENOSPC2', false],
  [undefined, false],
])('an error with the code %s: %s', (code, expected) => {
  expect(isDiskFull(Object.assign(new Error('write'), { code }))).toBe(expected);
});

test.each([undefined, null, 'ENOSPC', new Error('ENOSPC')])('without a code the disk is not full: %s', (thrown) => {
  expect(isDiskFull(thrown)).toBe(false);
});
