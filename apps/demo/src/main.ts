import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Analytics, createAnalyticsClient, isAnalyticsError } from '@toolweaver/analytics';
import { counted } from './counted.ts';
import { databaseFile } from './database.ts';
import { type DemoOptions, help, parseOptions } from './options.ts';
import { createPipeline } from './pipeline.ts';
import { print } from './print.ts';
import { progressBar } from './progress.ts';
import { readReceipts, type SkippedLine } from './read-receipts.ts';
import { type DemoReport, type RunResult, type StoredFigures, toJson, toText } from './report.ts';
import { usageError } from './usage-error.ts';

process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: DemoOptions;
  let analytics: Analytics;
  try {
    options = parseOptions(args, process.env, process.cwd());
    if (options.help) {
      await print(help);
      return 0;
    }
    if (statSync(options.receipts).isDirectory()) {
      throw new Error(`${options.receipts} is a directory`);
    }
    analytics = await createAnalyticsClient({
      env: { ...process.env, ANALYTICS_DB_PATH: options.db },
      onError: (error) => console.error(error.message),
    });
  } catch (error) {
    return usageError(error, 'npm run demo');
  }
  try {
    return await demo(options, analytics);
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  } finally {
    await analytics.close();
  }
}

async function demo(options: DemoOptions, analytics: Analytics): Promise<number> {
  const result = await analytics.trackRun(
    { name: 'receipts', project: 'demo', config: { file: options.receipts } },
    (run) => processFile(options.receipts, analytics, run.id),
  );
  const flushed = await analytics.flush();
  const pushUrl = urlOf(analytics, 'otlp');
  const report: DemoReport = {
    result,
    stored: await storedFigures(analytics, result.id, options.isDefaultDb),
    metricsUrl: urlOf(analytics, 'prometheus'),
    push: pushUrl === undefined ? undefined : { url: pushUrl, ok: flushed.backends['otlp']?.ok === true },
    elsewhere: runsElsewhere(analytics),
  };
  await print(options.json ? `${JSON.stringify(toJson(report), null, 2)}\n` : toText(report));
  await hold(options.holdSeconds, report.metricsUrl);
  if (result.receipts === 0) {
    console.error(`${options.receipts}: no receipt in it`);
  }
  return flushed.ok && result.receipts > 0 ? 0 : 1;
}

/** Reads the stored figures; undefined if no backend can be read. */
async function storedFigures(
  analytics: Analytics,
  runId: string,
  isDefaultDb: boolean,
): Promise<StoredFigures | undefined> {
  const { reader } = analytics;
  try {
    const [run, all] = await Promise.all([reader.summary({ runId }), reader.summary()]);
    return { run, all, db: databaseFile(analytics), isDefaultDb };
  } catch (error) {
    if (isAnalyticsError(error) && error.code === 'UNSUPPORTED') {
      return undefined;
    }
    throw error;
  }
}

function urlOf(analytics: Analytics, backend: string): string | undefined {
  const url = analytics.getConfigSummary().backends[backend]?.['url'];
  return typeof url === 'string' ? url : undefined;
}

async function hold(seconds: number, url: string | undefined): Promise<void> {
  if (seconds === 0) {
    return;
  }
  const what = url === undefined ? 'nothing is there to scrape (ANALYTICS_BACKEND=prometheus)' : `scrape ${url}`;
  console.error(`Staying for ${seconds} s: ${what}. Ctrl-C ends it.`);
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => ended.abort());
  }
  await sleep(seconds * 1000, undefined, { signal: ended.signal }).catch(() => {});
}

/** URLs or directories of runs, from backends that have them. */
function runsElsewhere(analytics: Analytics): string[] {
  const { backends } = analytics.getConfigSummary();
  return Object.values(backends).flatMap(({ runs }) => (Array.isArray(runs) ? runs.map(String) : []));
}

async function processFile(path: string, analytics: Analytics, id: string): Promise<RunResult> {
  const processReceipt = createPipeline(analytics);
  const progress = progressBar(process.stderr);
  const { size } = statSync(path);
  const skipped: SkippedLine[] = [];
  const totals = { right: 0, known: 0 };
  const dates = { right: 0, known: 0 };
  let receipts = 0;
  for await (const { receipt, skipped: line, bytesRead } of readReceipts(path)) {
    if (receipt === undefined) {
      if (line !== undefined) {
        skipped.push(line);
        progress.end();
        console.error(`${path}:${line.line}: skipped: ${line.problem}`);
      }
      continue;
    }
    const { problems } = await processReceipt(receipt);
    receipts += 1;
    const failed = (part: RegExp): boolean => problems.some(({ name }) => part.test(name));
    count(totals, receipt.truth?.total, failed(/^(Total|NoText)/));
    count(dates, receipt.truth?.date, failed(/^(Date|NoText|TotalMissing)/));
    // A pipe has no size, so no share is known.
    progress.update(size === 0 ? 0 : bytesRead / size, counted(receipts, 'receipt'));
  }
  progress.end();
  return { id, receipts, skipped, totals, dates };
}

function count(score: { right: number; known: number }, truth: string | undefined, failed: boolean): void {
  if (truth !== undefined) {
    score.known += 1;
    score.right += failed ? 0 : 1;
  }
}
