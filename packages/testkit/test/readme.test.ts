import { readFileSync } from 'node:fs';
import { laws } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test.each([
  ['../../../docs/write-a-backend.md', ['json-lines', 'json-lines-proof', 'json-lines-use']],
  ['../README.md', ['users-test']],
])('the code of %s is that of the samples, which are run', (document, names) => {
  const text = readFileSync(new URL(document, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
  const samples = names.map((name) => readFileSync(new URL(`./samples/${name}.ts`, import.meta.url), 'utf8'));
  expect(blocks).toEqual(samples);
});

test('the table of laws is the one that is checked', () => {
  const [, section = ''] = readme.split('\n## The laws\n\n');
  const [table = ''] = section.split('\n\n');
  const rows = laws.map(({ law, needs = [], only }) => {
    const conditions = [...needs.map(named), ...(only === undefined ? [] : [`only with ${named(only)}`])];
    return ['|', law, '|', conditions.join(', '), '|'].filter(Boolean).join(' ');
  });
  expect(table.split('\n')).toEqual(['| law | needs |', '| --- | --- |', ...rows]);
});

test('the law in the example of a skip exists', () => {
  const skipped = [...readme.matchAll(/law: '(.*?)'/g)].map(([, law]) => law);
  expect(skipped).toHaveLength(1);
  expect(laws.map(({ law }) => law)).toContain(skipped[0]);
});

/** Names of members are set as code. */
function named(name: string): string {
  return name.includes(' ') || name === 'secrets' ? name : `\`${name}\``;
}
