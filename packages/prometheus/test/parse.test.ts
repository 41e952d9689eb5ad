import { expect, test } from 'vitest';
import { parse } from './support/parse.ts';

const head = '# HELP a_total x\n# TYPE a_total counter\n';
const histogram = '# HELP h x\n# TYPE h histogram\n';

test('reads what is right', () => {
  const family = parse(`${head}a_total{b="\\\\ \\" \\n }",c=""} 1e3\n`).get('a_total');
  expect(family?.samples).toEqual([{ name: 'a_total', labels: { b: '\\ " \n }', c: '' }, value: 1000 }]);
});

test.each([
  ['a last line without an end', `${head}a_total 1`],
  ['a sample without a type', 'a_total 1\n'],
  ['a sample of another metric', `${head}b_total 1\n`],
  ['a type twice', `${head}${head}`],
  ['an unknown type', '# HELP a x\n# TYPE a sum\n'],
  ['a series twice', `${head}a_total{b="c"} 1\na_total{b="c"} 1\n`],
  ['a label twice', `${head}a_total{b="c",b="d"} 1\n`],
  ['a quote that is not escaped', `${head}a_total{b="c"d"} 1\n`],
  ['an escape that does not exist', `${head}a_total{b="\\t"} 1\n`],
  ['a comma at the end', `${head}a_total{b="c",} 1\n`],
  ['braces around nothing', `${head}a_total{} 1\n`],
  ['two blanks', `${head}a_total  1\n`],
  ['a value that is no number', `${head}a_total undefined\n`],
  ['a negative counter', `${head}a_total -1\n`],
  ['a counter that is no number', `${head}a_total NaN\n`],
  ['buckets that fall', `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`],
  [
    'buckets out of order',
    `${histogram}h_bucket{le="2"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
  ],
  ['no last bucket', `${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`],
  ['a count that is not the last bucket', `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`],
  ['no sum', `${histogram}h_bucket{le="+Inf"} 1\nh_count 1\n`],
])('refuses %s', (_, text) => {
  expect(() => parse(text)).toThrow();
});
