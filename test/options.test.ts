import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { documents, read } from './support/documents.ts';

const packages = resolve(import.meta.dirname, '..', 'packages');

type Make = (...args: unknown[]) => unknown;

/** What a package exports; its sources are read, as by all tests. */
const load = (name: string): Promise<Record<string, Make>> => import(join(packages, name, 'src', 'index.ts'));

/** The names of options that a function takes, which it lists when it is given another one. */
async function taken(make: Make | undefined, given: object = {}, ...before: unknown[]): Promise<string[]> {
  const error = await new Promise((resolve) => resolve(make?.(...before, { ...given, nothing: true }))).catch(
    (thrown: unknown) => thrown,
  );
  const { problems = [] } = error as { problems?: { field: string; message: string }[] };
  const { message = '' } = problems.find(({ field }) => field.endsWith('nothing')) ?? {};
  return message.replace('is not an option; the options are ', '').split(', ');
}

const readmeOf = (name: string): string => readFileSync(join(packages, name, 'README.md'), 'utf8');

/** The names in the first column of each table of options of a README. */
function told(name: string): string[][] {
  return readmeOf(name)
    .split(/^\| option\b/m)
    .slice(1)
    .map((section) => {
      const [table = ''] = section.split('\n\n');
      const cells = Array.from(table.matchAll(/^\| (`[^|(]*)/gm), ([, cell = '']) => cell);
      return cells.flatMap((cell) => cell.match(/(?<=`)\w+(?=`)/g) ?? []);
    });
}

test.each([
  ['core', 'createAnalytics', { backends: [] }],
  ['sqlite', 'sqlite', {}],
  ['prometheus', 'prometheus', {}],
  ['otlp', 'otlp', {}],
  ['wandb', 'wandb', {}],
  ['metrics', 'createCells', {}],
  ['grafana', 'generateFiles', {}],
  ['prices', 'createPrices', {}],
  ['collector', 'createCollector', {}],
])('the README of %s lists the options of %s, all of them and no other', async (name, make, given) => {
  expect(told(name)[0]?.toSorted()).toEqual((await taken((await load(name))[make], given)).toSorted());
});

test('the tables behind the first list theirs', async () => {
  const { prometheus } = await load('prometheus');
  const ofPushgateway = await taken((pushgateway) => prometheus?.({ pushgateway }));
  expect(told('prometheus')[1]?.toSorted()).toEqual(ofPushgateway.toSorted());
  const { createBudget } = await load('prices');
  expect(told('prices')[1]?.toSorted()).toEqual((await taken(createBudget)).toSorted());
});

test('the README of the meta-package lists its own options, and leaves only those of core to core', async () => {
  const { createAnalyticsClient } = await load('analytics');
  const all = await taken(createAnalyticsClient);
  const [own = []] = told('analytics');
  expect(own.filter((name) => !all.includes(name))).toEqual([]);
  expect(all.filter((name) => !own.includes(name) && !told('core')[0]?.includes(name))).toEqual([]);
});

test('the README of the adapters lists the options of toolkits, but the one that is the client’s', async () => {
  const [{ trackToolkit }, { createAnalytics }] = await Promise.all([load('adapters'), load('core')]);
  const all = await taken(trackToolkit, {}, createAnalytics?.({ backends: [] }), { call() {} });
  expect(told('adapters')[0]?.toSorted()).toEqual(all.filter((name) => name !== 'batchSize').toSorted());
});

test('READMEs name the options that have no table', async () => {
  const [{ exportEvents, importEvents }, { watch }, { memory }] = await Promise.all([
    load('sqlite'),
    load('prices'),
    load('core'),
  ]);
  const options = {
    sqlite: [...(await taken(exportEvents)), ...(await taken(importEvents, {}, memory?.(), 'events.jsonl'))],
    prices: [
      ...(await taken(watch)),
      ...(await taken((threshold) => watch?.({ thresholds: [threshold], onThreshold() {} }))),
    ],
  };
  for (const [name, names] of Object.entries(options)) {
    const named = new Set(readmeOf(name).match(/(?<=[`{ ])\w+(?=[`:,])/g));
    expect(names.filter((option) => !named.has(option))).toEqual([]);
  }
});

test('the README of the store lists every question, with its options', async () => {
  const sqlite = (await load('sqlite'))['sqlite'] as Make;
  const { reader, close } = (await sqlite({ path: ':memory:' })) as { reader: Record<string, Make>; close: Make };
  const usual = await taken(reader['getCacheStats']);
  // Behind what they are about.
  const withoutOptions = ['recordRecommendationFeedback', 'getRun', 'compareRuns'];
  const subjects: Record<string, unknown[]> = { compareVersions: ['x', ['1', '2']] };
  const rows = readmeOf('sqlite').matchAll(/^\| `(\w+)\((\w*Id)?.*?\)` \| (.*) \|$/gm);
  const listed = Array.from(rows, ([, question = '', subject, options = '']) => {
    // What is in parentheses is what an option may be.
    const names = options.replaceAll(/ \(.*?\)/g, '').match(/(?<=`)\w+(?=`)/g) ?? [];
    const window = /\bwindow\b/.test(options) ? ['days', 'from', 'to'] : [];
    return { question, subject, names: [...(options.startsWith('the usual') ? usual : []), ...window, ...names] };
  });
  expect(listed.map(({ question }) => question).toSorted()).toEqual(Object.keys(reader).toSorted());
  for (const { question, subject, names } of listed.filter(({ question }) => !withoutOptions.includes(question))) {
    const before = subjects[question] ?? (subject === undefined ? [] : ['x']);
    expect([question, ...names.toSorted()]).toEqual([
      question,
      ...(await taken(reader[question], {}, ...before)).toSorted(),
    ]);
  }
  await close();
});

test('the store takes the questions that texts suggest, as they stand there', async () => {
  const sqlite = (await load('sqlite'))['sqlite'] as Make;
  const { reader, close } = (await sqlite({ path: ':memory:' })) as { reader: Record<string, Make>; close: Make };
  const names = Object.keys(reader).join('|');
  // Those that need a value from elsewhere, such as `{ limit }`, are left out.
  const suggested = new RegExp(`\\b(${names})\\((\\{ (?:\\w+: (?:'[^']*'|[\\w.]+)(?:, )?)+ \\})\\)`, 'g');
  const asked: string[] = [];
  for (const [question, name = '', options] of documents.flatMap((file) => [...read(file).matchAll(suggested)])) {
    asked.push(question);
    await expect(reader[name]?.(runInNewContext(`(${options})`)), question).resolves.toBeDefined();
  }
  expect(new Set(asked).size).toBeGreaterThan(10);
  await close();
});

test('the README of core names every field that an event may have', () => {
  const inputs = readFileSync(join(packages, 'core', 'src', 'events', 'input.ts'), 'utf8');
  const fields = new Set(Array.from(inputs.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, field = '']) => field));
  expect(fields.size).toBeGreaterThan(30);
  const [, section = ''] = readmeOf('core').split('### What an event says');
  const [table = ''] = section.split(/\n#+ /);
  const named = new Set(table.match(/(?<=[`{ ])\w+(?=[`:} ])/g));
  // Those of a cost: it is dollars of the provider's unless somebody has a reason.
  expect([...fields].filter((field) => !named.has(field))).toEqual(['currency', 'source']);
});
