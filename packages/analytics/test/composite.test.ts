import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AnalyticsError, createAnalyticsClient } from '@toolweaver/analytics';
import { createPrices } from '@toolweaver/analytics-prices';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { peers, testWith } from '../../otlp/test/support/peers.ts';
import { type Receiver, startReceiver } from '../../otlp/test/support/receiver.ts';
import { decode, unpack } from '../../otlp/test/support/wire.ts';
import { value } from '../../sqlite/test/support/rows.ts';
import { type LoggedRun, readRun } from '../../wandb/test/support/log-reader.ts';
import {
  by,
  figuresOfFile,
  figuresOfRows,
  figuresOfRun,
  figuresOfSeries,
  nanoUsdOf,
  only,
  pushedSeries,
  scrapedSeries,
  toolCostsOfSeries,
  total,
} from './support/figures.ts';
import { countedByHand, firstPart, ownPrices, secondPart } from './support/program.ts';

const { figures, runs } = countedByHand();
const runIds = Object.keys(runs).filter((id) => id !== '');
const toolCosts = by(only(figures.nanoUsd, 'tool'), 1);
const zeros = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
/** W&B's, of what names none. */
const noProject = 'uncategorized';

let folder: string;
let receiver: Receiver;
let scrape: string;
let file: string;
let answers: Awaited<ReturnType<typeof play>>;
let logs: ReadonlyMap<string, LoggedRun>;

/** One run of the program, and what can be asked while it goes on. */
async function play() {
  const errors: AnalyticsError[] = [];
  const prices = await createPrices({ models: ownPrices });
  const analytics = await createAnalyticsClient({
    env: {
      ANALYTICS_BACKEND: 'sqlite,prometheus,otlp,wandb',
      ANALYTICS_DB_PATH: file,
      PROMETHEUS_PORT: '0',
      OTLP_ENDPOINT: receiver.url,
      WANDB_MODE: 'offline',
      WANDB_DIR: folder,
    },
    prices,
    onError: (error) => errors.push(error),
  });
  await firstPart(analytics);
  const middle = await analytics.flush();
  await secondPart(analytics);
  const end = await analytics.flush();
  const { reader } = analytics;
  const byModel = await reader.getCosts({ by: 'model' });
  const models = await reader.compareModels();
  const { runs: listed } = await reader.listRuns();
  const details = await Promise.all(runIds.map((id) => reader.getRun(id)));
  const { url } = analytics.getConfigSummary().backends['prometheus'] as { readonly url: string };
  scrape = await (await fetch(url)).text();
  const closed = await analytics.close();
  return {
    reports: [middle, end, closed],
    unpriced: prices.unpricedModels(),
    errors,
    stats: analytics.stats(),
    byModel,
    models,
    listed,
    details,
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'analytics-composite-'));
  file = join(folder, 'analytics.db');
  receiver = await startReceiver();
  answers = await play();
  const found = globSync(join(folder, 'wandb', 'offline-run-*', '*.wandb')).map(readRun);
  logs = new Map(found.map((run) => [runIds.includes(run.id) ? run.id : '', run]));
  expect(logs.size).toBe(found.length);
});
afterAll(async () => {
  await receiver.stop();
  rmSync(folder, { recursive: true });
});

test('everything arrived everywhere, and the program has something of each sort', () => {
  expect(answers.errors).toEqual([]);
  expect(answers.reports.map(({ ok }) => ok)).toEqual([true, true, true]);
  const executions = total(figures.calls);
  const starts = runIds.length + 1;
  const ends = Object.values(runs).filter(({ state }) => state === 'finished' || state === 'failed').length;
  for (const [name, stats] of Object.entries(answers.stats.backends)) {
    expect({ name, delivered: stats.delivered, queued: stats.queued }).toEqual({
      name,
      delivered: executions + starts + ends,
      queued: 0,
    });
  }
  expect(Object.keys(answers.stats.backends)).toEqual(['sqlite', 'prometheus', 'otlp', 'wandb']);
  expect(Object.keys(by(figures.nanoUsd, 0)).sort()).toEqual(['agent', 'llm', 'search', 'skill', 'tool']);
  expect(Object.keys(by(figures.tokens, 1))).toHaveLength(5);
  expect(Object.values(by(figures.tokens, 1)).every((count) => count > 0)).toBe(true);
  expect(answers.unpriced).toMatchObject([
    { model: 'unheard-of', calls: figures.calls['["llm","unheard-of","success"]'] },
  ]);
});

describe('the same costs, tokens and calls, to the nano-dollar', () => {
  test('by SQL from the file', () => {
    expect(figuresOfFile(file).figures).toEqual(figures);
  });

  test('in the text of a scrape', () => {
    const series = scrapedSeries(scrape);
    expect(figuresOfSeries(series)).toEqual(figures);
    expect(toolCostsOfSeries(series)).toEqual(toolCosts);
  });

  test('in the last request of OTLP', () => {
    const series = pushedSeries(lastRequest().decoded());
    expect(figuresOfSeries(series)).toEqual(figures);
    expect(toolCostsOfSeries(series)).toEqual(toolCosts);
  });

  testWith('python', 'in the last request of OTLP, as the official classes read it', () => {
    const { headers, bytes } = lastRequest();
    const script = join(import.meta.dirname, '..', '..', 'otlp', 'test', 'support', 'decode.py');
    const input = unpack(headers, bytes).toString('base64');
    const { status, stdout, stderr } = spawnSync(peers.python, [script], { input, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const json = { 'content-type': 'application/json' };
    const series = pushedSeries(decode('/v1/metrics', json, Buffer.from(stdout)));
    expect(figuresOfSeries(series)).toEqual(figures);
  });

  test('in the rows of the W&B runs', () => {
    expect(figuresOfRows([...logs.values()])).toEqual(figures);
  });

  test('in the answers of the reader', () => {
    const { byModel, models } = answers;
    expect(nanoUsdOf(byModel.totalCostUsd ?? Number.NaN)).toBe(total(figures.nanoUsd));
    expect(byModel.executions).toBe(total(figures.calls));
    expect(byModel.totalTokens).toBe(total(figures.tokens));
    const costs = byModel.entries.flatMap(({ name, totalCostUsd }) =>
      totalCostUsd === null ? [] : [[name ?? '', nanoUsdOf(totalCostUsd)]],
    );
    expect(Object.fromEntries(costs)).toEqual(by(figures.nanoUsd, 2));
    expect(byModel.entries.find(({ name }) => name === 'unheard-of')).toMatchObject({ totalCostUsd: null });
    const named = Object.keys(by(figures.tokens, 0)).filter((model) => model !== '');
    expect(models.map(({ model }) => model).sort()).toEqual(named.sort());
    for (const stats of models) {
      const own = only(figures.tokens, stats.model);
      expect(stats).toMatchObject({ ...zeros, ...by(own, 1), totalTokens: total(own) });
    }
  });
});

// Metrics have no runs, by design: no label could tell so many apart.
describe('the same runs', () => {
  test('by SQL from the file, with what belongs to none', () => {
    expect(figuresOfFile(file).runs).toEqual(runs);
    expect(value(file, 'SELECT count(*) FROM runs')).toBe(runIds.length);
  });

  test('in the W&B runs: descriptions, summaries and exit codes', () => {
    const found = Object.fromEntries([...logs].map(([id, run]) => [id, figuresOfRun(run)]));
    expect(found).toEqual({ ...runs, '': { ...runs[''], project: noProject } });
    const exitCodes = { finished: 0, failed: 1, started: 0 };
    for (const [id, { exitCode, isWhole }] of logs) {
      expect({ id, exitCode, isWhole }).toEqual({
        id,
        exitCode: exitCodes[runs[id]?.state ?? 'finished'],
        isWhole: true,
      });
    }
  });

  test('in the rows of each W&B run', () => {
    for (const [id, run] of logs) {
      const own = figuresOfRows([run]);
      expect({ id, nanoUsd: total(own.nanoUsd), tokens: total(own.tokens), executions: total(own.calls) }).toEqual({
        id,
        nanoUsd: runs[id]?.nanoUsd,
        tokens: runs[id]?.tokens,
        executions: runs[id]?.executions,
      });
    }
  });

  test('in the answers of the reader', () => {
    const { listed, details } = answers;
    const shown = (run: (typeof listed)[number]) => ({
      name: run.name ?? undefined,
      state: run.state ?? undefined,
      project: run.project ?? undefined,
      tags: run.tags,
      executions: run.executions,
      failures: run.failures,
      nanoUsd: nanoUsdOf(run.totalCostUsd ?? Number.NaN),
      tokens: run.totalTokens,
    });
    const { '': _ofNone, ...named } = runs;
    const expected = Object.fromEntries(Object.entries(named).map(([id, { config: _config, ...run }]) => [id, run]));
    expect(Object.fromEntries(listed.map((run) => [run.runId, shown(run)]))).toEqual(expected);
    expect(details.map((run) => run?.config)).toEqual(runIds.map((id) => runs[id]?.config));
  });
});

function lastRequest() {
  const { requests } = receiver;
  // The second push adds to the first.
  expect(requests.length).toBeGreaterThanOrEqual(2);
  return requests[requests.length - 1] as (typeof requests)[number];
}
