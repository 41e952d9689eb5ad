import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The second cells of the tables: names of ours, as code. */
const cells = [...read('docs/migrate-from-python.md').matchAll(/^\|.*?[^\\]\| (.*?[^\\]?) \|/gm)].map(
  ([, cell = '']) => cell,
);
const spans = cells.flatMap((cell) => [...cell.matchAll(/`(.*?)`/g)].map(([, span = '']) => span));

/** What the packages export: each file that their index takes something from. */
const sources = readdirSync(join(root, 'packages'))
  .filter((name) => name !== 'testkit')
  .flatMap((name) => {
    const index = read(`packages/${name}/src/index.ts`);
    return Array.from(index.matchAll(/from '\.\/(.*?)'/g), ([, file]) => read(`packages/${name}/src/${file}`));
  })
  .join('\n');
const all = (pattern: RegExp, text: string): Set<string> =>
  new Set(Array.from(text.matchAll(pattern), ([, name = '']) => name));

const functions = all(/^(?: {2}|export (?:async )?function )([a-z]\w+)(?:<.*?>)?\(/gm, sources);
const fields = all(/^ +readonly (\w+)\??:/gm, sources);
const types = all(/^export (?:interface|type) (\w+)/gm, sources);
const literals = all(/(?:[|:=]|^) *'(\w+)'(?= *[|;\n])/gm, sources);
/** Views, and `view.column` of each. */
const columns = new Set(
  read('packages/sqlite/src/views.ts')
    .split("schema.createView('")
    .slice(1)
    .flatMap((text) => {
      const [view = ''] = text.split("'");
      const [, body = ''] = text.split('sql`');
      return [view, ...Array.from(body.split('`')[0]?.matchAll(/\w+/g) ?? [], ([column]) => `${view}.${column}`)];
    }),
);
const variables = all(/^#([A-Z][A-Z0-9_]+)=/gm, read('.env.example'));
const metrics = all(/^ {4}name: '(\w+)'/gm, read('packages/metrics/src/catalogue.ts'));
const packages = new Set(
  readdirSync(join(root, 'packages')).map((name) => JSON.parse(read(`packages/${name}/package.json`)).name),
);

/** What is named in a piece of code that does not exist. */
function unknownIn(span: string): string[] {
  if (span.startsWith('@')) {
    return packages.has(span) ? [] : [span];
  }
  if (/^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(span)) {
    return variables.has(span) ? [] : [span];
  }
  if (span.startsWith('toolweaver_')) {
    return metrics.has(span.slice('toolweaver_'.length)) ? [] : [span];
  }
  if (/^\w+(\.\w+)?$/.test(span)) {
    return types.has(span) || columns.has(span) ? [] : [span];
  }
  const called = Array.from(span.matchAll(/(\w+)\(/g), ([, name = '']) => name).filter((name) => !functions.has(name));
  const quoted = Array.from(span.matchAll(/'(.*?)'/g), ([, text = '']) => text).filter((text) => !literals.has(text));
  const code = span.replaceAll(/'.*?'|\w+\(/g, '');
  const named = Array.from(code.matchAll(/(?<!\.)\b([a-z]\w*)\b(?!\.)/g), ([, name = '']) => name);
  return [...called, ...quoted, ...named.filter((name) => !fields.has(name))];
}

test('every name that is said to be here is here', () => {
  expect(spans.length).toBeGreaterThan(130);
  expect(spans.flatMap(unknownIn)).toEqual([]);
});

test.each([
  'recordSkillUsage()',
  'getLeaderboard({ metrc })',
  "getLeaderboard({ metric: 'fame' })",
  'ANALYTICS_DB_URL',
  'toolweaver_tool_calls_total',
  '@toolweaver/analytics-mlflow',
  'skill_usage.install_count',
  'task_traces',
])('%s would be found out', (span) => {
  expect(unknownIn(span)).toHaveLength(1);
});
