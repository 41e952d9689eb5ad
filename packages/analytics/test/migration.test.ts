import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAnalyticsClient } from '@toolweaver/analytics';
import { createPrices } from '@toolweaver/analytics-prices';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Received, type Receiver, startReceiver } from '../../otlp/test/support/receiver.ts';
import { readRun } from '../../wandb/test/support/log-reader.ts';
import {
  type Figures,
  figuresOfFile,
  figuresOfRows,
  figuresOfSeries,
  pushedSeries,
  scrapedSeries,
} from './support/figures.ts';
import { countedByHand, firstPart, ownPrices, secondPart } from './support/program.ts';

let folder: string;
let receiver: Receiver;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'analytics-migration-'));
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.stop();
  rmSync(folder, { recursive: true });
});

/** What a stage of a product's life says of the same program, by backend. Only the environment differs. */
async function play(stage: string, backends: string): Promise<Record<string, Figures>> {
  const file = join(folder, `${stage}.db`);
  const analytics = await createAnalyticsClient({
    env: {
      ANALYTICS_BACKEND: backends,
      ANALYTICS_DB_PATH: file,
      PROMETHEUS_PORT: '0',
      OTLP_ENDPOINT: receiver.url,
      WANDB_MODE: 'offline',
      WANDB_DIR: join(folder, stage),
    },
    prices: await createPrices({ models: ownPrices }),
  });
  await firstPart(analytics);
  await secondPart(analytics);
  await analytics.flush();
  const { prometheus } = analytics.getConfigSummary().backends as { readonly prometheus?: { readonly url: string } };
  const scrape = prometheus && (await (await fetch(prometheus.url)).text());
  expect(await analytics.close()).toMatchObject({ ok: true });
  const seen: Record<string, () => Figures> = {
    sqlite: () => figuresOfFile(file).figures,
    prometheus: () => figuresOfSeries(scrapedSeries(scrape as string)),
    otlp: () => figuresOfSeries(pushedSeries((receiver.requests.at(-1) as Received).decoded())),
    wandb: () => figuresOfRows(globSync(join(folder, stage, 'wandb', 'offline-run-*', '*.wandb')).map(readRun)),
  };
  return Object.fromEntries(backends.split(',').map((name) => [name, (seen[name] as () => Figures)()]));
}

test.each([
  ['a laptop', 'sqlite'],
  ['a team', 'prometheus'],
  ['a team that compares experiments', 'prometheus,wandb'],
  ['production', 'otlp,sqlite'],
])('%s: the same program, with ANALYTICS_BACKEND=%s', async (stage, backends) => {
  const { figures } = countedByHand();
  expect(await play(stage, backends)).toEqual(Object.fromEntries(backends.split(',').map((name) => [name, figures])));
});
