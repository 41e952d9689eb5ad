import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from '@toolweaver/analytics';
import { type OtlpOptions, otlp } from '@toolweaver/analytics-otlp';
import { type PrometheusBackend, prometheus } from '@toolweaver/analytics-prometheus';
import { type SqliteOptions, sqlite } from '@toolweaver/analytics-sqlite';
import { type WandbOptions, wandb } from '@toolweaver/analytics-wandb';
import { onTestFinished } from 'vitest';
import { type Received, type Receiver, startReceiver } from '../../../otlp/test/support/receiver.ts';
import { testFolder } from '../../../sqlite/test/support/folder.ts';
import { apiKey, type FakeService, fakeService } from '../../../wandb/test/support/fake-service.ts';
import { type LoggedRun, parseValue, readRun } from '../../../wandb/test/support/log-reader.ts';
import { figuresOfFile, figuresOfRows, figuresOfSeries, pushedSeries, scrapedSeries } from './figures.ts';

/** Executions by kind, name (of LLM calls: model) and outcome, as a list in JSON. */
export type Calls = Readonly<Record<string, number>>;

/** All backends, with their far sides. */
export interface Everywhere {
  readonly folder: string;
  readonly database: string;
  readonly receiver: Receiver;
  /** Undefined where W&B's runs are offline. */
  readonly service: FakeService | undefined;
  readonly prometheus: PrometheusBackend;
  readonly backends: readonly Backend[];
}

export interface Options {
  readonly sqlite?: SqliteOptions;
  readonly otlp?: OtlpOptions;
  readonly wandb?: WandbOptions;
}

/** SQLite, Prometheus, OTLP and W&B in a folder and at servers that go when the test is over. W&B is offline, unless told otherwise. */
export async function everywhere(options: Options = {}): Promise<Everywhere> {
  const folder = testFolder();
  const database = join(folder, 'analytics.db');
  const receiver = await startReceiver();
  onTestFinished(() => receiver.stop());
  const isOnline = options.wandb?.mode === 'online';
  const service = isOnline ? await fakeService() : undefined;
  onTestFinished(() => service?.close());
  const shown = await prometheus({ port: false });
  return {
    folder,
    database,
    receiver,
    service,
    prometheus: shown,
    backends: [
      await sqlite({ path: database, ...options.sqlite }),
      shown,
      await otlp({
        endpoint: receiver.url,
        pushIntervalMs: 86_400_000,
        retry: { minDelayMs: 1, maxDelayMs: 2 },
        ...options.otlp,
      }),
      await wandb({
        mode: 'offline',
        dir: folder,
        runId: 'of-none',
        ...(service && { apiKey, baseUrl: service.url }),
        ...options.wandb,
      }),
    ],
  };
}

/** What each far side holds of the executions, in its own words; to be asked after a flush. */
export async function callsEverywhere({
  database,
  prometheus,
  receiver,
  service,
  folder,
}: Everywhere): Promise<Record<'sqlite' | 'prometheus' | 'otlp' | 'wandb', Calls>> {
  return {
    sqlite: figuresOfFile(database).figures.calls,
    prometheus: callsOfText(await prometheus.scrape()),
    otlp: callsOfPush(lastAccepted(receiver.requests)),
    wandb: callsOfRuns(service === undefined ? offlineRuns(folder) : onlineRuns(service)),
  };
}

export function offlineRuns(folder: string): LoggedRun[] {
  return globSync(join(folder, 'wandb', 'offline-run-*', '*.wandb')).map(readRun);
}

export const callsOfText = (scrape: string): Calls => figuresOfSeries(scrapedSeries(scrape).filter(isCount)).calls;

export function callsOfPush(pushed: Received | undefined): Calls {
  return pushed === undefined ? {} : figuresOfSeries(pushedSeries(pushed.decoded()).filter(isCount)).calls;
}

function callsOfRuns(runs: readonly Pick<LoggedRun, 'rows'>[]): Calls {
  const withoutCosts = runs.map(({ rows }) => ({ rows: rows.filter(isNoToolkit).map(withoutCost) }));
  return figuresOfRows(withoutCosts as unknown as LoggedRun[]).calls;
}

/** What the last push that was taken says: all that was counted. */
export function lastAccepted(requests: readonly Received[]): Received | undefined {
  return requests.findLast(({ accepted, bytes }) => accepted && bytes.length > 0);
}

function onlineRuns({ runs }: FakeService): Pick<LoggedRun, 'rows'>[] {
  return [...runs.values()].map(({ history }) => ({
    rows: history.map((line) => parseValue(line) as Record<string, unknown>),
  }));
}

/** Sums of any costs are no whole numbers of nano-dollars. */
function isCount({ name }: { readonly name: string }): boolean {
  return !/_cost_/.test(name);
}

/** What happened to a toolkit has an outcome, too. */
function isNoToolkit(row: Readonly<Record<string, unknown>>): boolean {
  return !Object.keys(row).some((key) => /^toolkit\/[^/]*\/[^/]*\/status$/.test(key));
}

function withoutCost(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([key]) => !key.endsWith('/cost')));
}
