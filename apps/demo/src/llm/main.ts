import { statSync } from 'node:fs';
import { type Analytics, createAnalyticsClient } from '@toolweaver/analytics';
import { createPrices, type Prices } from '@toolweaver/analytics-prices';
import { databaseFile } from '../database.ts';
import { print } from '../print.ts';
import { progressBar } from '../progress.ts';
import { usageError } from '../usage-error.ts';
import { inventedCalls } from './invented-calls.ts';
import { help, type LlmOptions, parseOptions } from './options.ts';
import { play, type Steps } from './play.ts';
import { readCalls } from './read-calls.ts';
import { readReport, toJson, toText } from './report.ts';

const command = 'npm run demo:llm';

process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: LlmOptions;
  try {
    options = parseOptions(args, process.env, process.cwd());
    if (options.help) {
      await print(help);
      return 0;
    }
    if (options.calls !== undefined && statSync(options.calls).isDirectory()) {
      throw new Error(`${options.calls} is a directory`);
    }
  } catch (error) {
    return usageError(error, command);
  }
  let steps: Steps;
  try {
    // Open the trace first, so that a file that is no trace leaves no database behind.
    steps = options.calls === undefined ? inventedCalls() : await readCalls(options.calls);
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
  let prices: Prices;
  let analytics: Analytics;
  try {
    prices = await createPrices();
    analytics = await createAnalyticsClient({
      prices,
      env: { ...process.env, ANALYTICS_DB_PATH: options.db },
      onError: (error) => console.error(error.message),
    });
  } catch (error) {
    return usageError(error, command);
  }
  try {
    return await demo(options, steps, analytics, prices);
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  } finally {
    await analytics.close();
  }
}

async function demo(options: LlmOptions, steps: Steps, analytics: Analytics, prices: Prices): Promise<number> {
  const { calls: path, models, json } = options;
  // Without a database there is no report, so fail now rather than after a long trace.
  await analytics.reader.listRuns({ limit: 1 });
  const db = databaseFile(analytics);
  const progress = progressBar(process.stderr);
  const config = { calls: path ?? 'invented', models };
  const { id: runId, played } = await analytics.trackRun({ name: 'llm', project: 'demo', config }, async (run) => {
    const played = await play(steps, analytics, options, progress, ({ line, problem }) => {
      progress.end();
      console.error(`${path}:${line}: skipped: ${problem}`);
    });
    return { id: run.id, played };
  });
  const flushed = await analytics.flush();
  const report = await readReport(analytics.reader, { runId, played, unpriced: prices.unpricedModels(), db });
  await print(json ? `${JSON.stringify(toJson(report), null, 2)}\n` : toText(report));
  if (played.calls === 0) {
    console.error(`${path}: no call in it`);
  }
  return flushed.ok && played.calls > 0 ? 0 : 1;
}
