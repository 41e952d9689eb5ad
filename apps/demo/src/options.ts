import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { databaseSetting } from './database.ts';

export interface DemoOptions {
  readonly help: boolean;
  readonly json: boolean;
  /** Absolute path of a JSON Lines file. */
  readonly receipts: string;
  /** The database, as the backend takes it. */
  readonly db: string;
  /** Whether `db` is the demo's default database. */
  readonly isDefaultDb: boolean;
  /** How long to keep running after the work, so that the metrics can be scraped. */
  readonly holdSeconds: number;
}

export const help = `Reads scanned receipts with three tools, records what the tools did, and reports it from the database.
ANALYTICS_BACKEND says where it is recorded (default: sqlite); with prometheus the metrics are at http://127.0.0.1:8000/metrics.

Usage: npm run demo -- [options]

  --receipts FILE  receipts to read, one JSON object a line: {"id", "lines": [{"box": [x1,y1,…,x4,y4], "text"}],
                   "truth": {"company", "date", "address", "total"}}; truth is optional. Default: two dozen that come along
  --db PATH        the SQLite file; further runs add to it. Default: ANALYTICS_DB_PATH, then receipts-demo.db here
  --hold SECONDS   stay this long after the work, so that the metrics can be scraped; Ctrl-C ends it
  --json           one JSON object on stdout, and nothing else
  --help           this text

With --json: receipts and skipped lines of this run; then executions, successes, failures, byTool (tools alone), failuresByType,
latencyMs {average, min, max, p50, p95, p99} and runs of the whole database; the same for this run alone under run;
extraction (how many totals and dates of this run were right); db; metricsUrl. Without a database: no figures from it.

Exit codes: 0 done, 1 nothing could be read or recorded, 2 wrong usage.
`;

/** @throws Error with a message for the user. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      receipts: { type: 'string' },
      db: { type: 'string' },
      hold: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  const holdSeconds = Number(values.hold);
  if (!(holdSeconds >= 0 && holdSeconds <= 86_400)) {
    throw new Error(`--hold takes a number of seconds up to 86400, got '${values.hold}'`);
  }
  const db = databaseSetting(cwd, values.db, env, 'receipts-demo.db');
  const ours = fileURLToPath(new URL('../data/receipts.jsonl', import.meta.url));
  return {
    help: values.help,
    json: values.json,
    receipts: values.receipts === undefined ? ours : resolve(cwd, values.receipts),
    db,
    isDefaultDb: db === databaseSetting(cwd, undefined, {}, 'receipts-demo.db'),
    holdSeconds,
  };
}
