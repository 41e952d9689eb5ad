import { globSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execution, metrics, run as runEvent } from '@toolweaver/analytics-testkit';
import { wandb } from '@toolweaver/analytics-wandb';
import { expect, onTestFinished } from 'vitest';
import { playScenario } from './oracle/scenario.ts';
import { apiKey, type FakeService, fakeService } from './support/fake-service.ts';
import { testFolder } from './support/folder.ts';
import { parseValue, readRun } from './support/log-reader.ts';
import { runPython, sync, testWithPython } from './support/python.ts';

const scenario = join(import.meta.dirname, 'oracle', 'scenario.py');
const dump = join(import.meta.dirname, 'oracle', 'dump.py');

async function service(): Promise<FakeService> {
  const fake = await fakeService();
  onTestFinished(fake.close);
  return fake;
}

/** What is to be equal, whoever sent it: without times, ids and what the official client adds about itself. */
function shown(fake: FakeService, id: string) {
  const {
    displayName,
    tags,
    notes,
    group,
    jobType,
    entity,
    project,
    history,
    summary = '{}',
    config,
    exitCode,
    files,
  } = fake.run(id);
  const { _wandb: own, ...settings } = config;
  const { m } = (own as { value: { m: Definition[] } }).value;
  const { _timestamp: _t, _runtime: _r, _wandb: runtime, ...lasts } = parseValue(summary) as Record<string, unknown>;
  const theirs = ['config.yaml', 'wandb-summary.json', 'wandb-metadata.json', 'requirements.txt'];
  return {
    run: { displayName, tags, notes, group, jobType, entity, project, exitCode },
    rows: history.map((line) => {
      const { _timestamp, _runtime, ...row } = parseValue(line) as Record<string, unknown>;
      return { ...row, hasTime: Number(_timestamp) > 1_700_000_000 && Number(_runtime) >= 0 };
    }),
    summary: lasts,
    hasRuntime: Number.isInteger((runtime as { runtime?: unknown } | undefined)?.runtime),
    config: settings,
    metrics: m.map((metric) => definition(metric, m)).toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    files: [...files].filter(([name]) => !theirs.includes(name)).map(([name, content]) => [name, content.toString()]),
    artifacts: fake.artifacts.map(({ state, input, files: inside, manifest }) => ({
      state,
      name: input['artifactCollectionName'],
      type: input['artifactTypeName'],
      digest: input['digest'],
      metadata: JSON.parse(String(input['metadata'])),
      aliases: input['aliases'],
      files: [...inside].map(([name, content]) => [name, content.toString()]),
      manifest: Object.entries(
        JSON.parse(String(manifest)).contents as Record<string, { digest: string; ref?: string; size?: number }>,
      )
        .map(([path, { digest, ref, size = 0 }]) => ({ path, digest, ref, size }))
        .toSorted((one, other) => (one.path < other.path ? -1 : 1)),
    })),
    violations: fake.violations,
  };
}

type Definition = {
  readonly 1: string;
  readonly 5?: number;
  readonly 6: readonly number[];
  readonly 7: readonly number[];
};

/** Their order is left to chance by the official client. */
function definition({ 1: name, 5: step, 6: options, 7: summary }: Definition, all: readonly Definition[]) {
  return { name, step: step === undefined ? undefined : all[step - 1]?.[1], options, summary };
}

function fileIn(folder: string): string {
  const path = join(folder, 'file.txt');
  writeFileSync(path, 'content');
  return path;
}

testWithPython('A: an offline run, uploaded by the official client, is what our online client sends', async () => {
  const folder = testFolder();
  const path = fileIn(folder);
  const [online, synced] = [await service(), await service()];
  await playScenario({ apiKey, baseUrl: online.url, runId: 'same', dir: folder }, path);
  const directory = await playScenario({ mode: 'offline', runId: 'same', dir: folder }, path);
  const { status, output } = await sync(directory, folder, synced.url, apiKey);
  expect(status, output).toBe(0);
  expect(readdirSync(directory)).toContain('run-same.wandb.synced');
  expect(shown(online, 'same').rows).toHaveLength(7);
  expect(shown(synced, 'same')).toEqual(shown(online, 'same'));
  // What was uploaded is still there.
  expect(readdirSync(folder)).toContain('file.txt');
});

testWithPython('B: the official classes read our bytes, and our reader reads the official files', async () => {
  const folder = testFolder();
  const path = fileIn(folder);
  const directory = await playScenario({ mode: 'offline', runId: 'ours', dir: folder }, path);
  const decoded = await runPython([dump, join(directory, 'run-ours.wandb')], folder, 'http://127.0.0.1:1', apiKey);
  expect(decoded.status, decoded.output).toBe(0);
  const records = decoded.output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(records.map(({ num }) => Number(num))).toEqual(records.map((_, at) => at + 1));
  const kinds = records.map(({ kind }) => kind);
  expect(kinds.slice(0, 2)).toEqual(['header', 'run']);
  expect(kinds.slice(-3)).toEqual(['exit', 'final', 'footer']);
  expect(kinds).not.toContain(null);
  expect(records.find(({ kind }) => kind === 'run').run).toMatchObject({
    run_id: 'ours',
    project: 'oracle',
    display_name: 'first',
    tags: ['a', 'b c'],
  });
  expect(records.filter(({ kind }) => kind === 'history')).toHaveLength(7);

  // A log of many blocks, with records larger than one.
  const big = await wandb({ mode: 'offline', runId: 'big', dir: folder });
  await big.write([runEvent({ runId: 'big', config: { text: 'x'.repeat(12_000) } })]);
  for (let batch = 0; batch < 2; batch += 1) {
    await big.write(
      Array.from({ length: 250 }, (_, at) => execution({ runId: 'big', name: `${'name'.repeat(at % 60)}${at % 7}` })),
    );
    await big.write([
      metrics({
        runId: 'big',
        values: Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [`metric-${at}`, at / 7])),
      }),
    ]);
  }
  await big.close?.();
  const [log = ''] = globSync(join(folder, 'wandb', 'offline-run-*-big', '*.wandb'));
  const all = await runPython([dump, log], folder, 'http://127.0.0.1:1', apiKey);
  expect(all.status, all.output.slice(-2000)).toBe(0);
  expect(
    all.output
      .trim()
      .split('\n')
      .filter((line) => JSON.parse(line).kind === 'history'),
  ).toHaveLength(502);

  rmSync(join(folder, 'wandb'), { recursive: true });
  const official = await runPython([scenario, 'offline', 'theirs', path], folder, 'http://127.0.0.1:1', apiKey);
  expect(official.status, official.output).toBe(0);
  const [theirs = ''] = globSync(join(folder, 'wandb', 'offline-run-*-theirs', '*.wandb'));
  const read = readRun(theirs);
  expect(read).toMatchObject({
    id: 'theirs',
    project: 'oracle',
    name: 'first',
    exitCode: 3,
    isWhole: true,
    tags: ['a', 'b c'],
  });
  expect(read.rows.map(({ _step }) => _step)).toEqual([0, 1, 2, 10, 11, 12, 13]);
  expect(read.rows[2]).toMatchObject({ nan: Number.NaN, up: Number.POSITIVE_INFINITY, down: Number.NEGATIVE_INFINITY });
  expect(read.artifacts).toMatchObject([{ name: 'data', type: 'dataset', metadata: { rows: 2 } }]);
});

testWithPython('C: the same scenario through the official client gives the same model', async () => {
  const folder = testFolder();
  const path = fileIn(folder);
  const [ours, theirs] = [await service(), await service()];
  await playScenario({ apiKey, baseUrl: ours.url, runId: 'same', dir: folder }, path);
  const { status, output } = await runPython([scenario, 'online', 'same', path], folder, theirs.url, apiKey);
  expect(status, output).toBe(0);
  expect(shown(ours, 'same')).toEqual(shown(theirs, 'same'));
});
