import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly help: boolean;
  readonly json: boolean;
  /** Absolute path of a JSON Lines file. */
  readonly receipts: string;
  /** Absolute path of the database. */
  readonly db: string;
}

export const help = `Reads scanned receipts with three tools, records what the tools did, and reports it from the database.

Usage: npm run demo -- [options]

  --receipts FILE  receipts to read, one JSON object a line: {"id", "lines": [{"box": [x1,y1,…,x4,y4], "text"}],
                   "truth": {"company", "date", "address", "total"}}; truth is optional. Default: two dozen that come along
  --db PATH        the SQLite file; further runs add to it. Default: ANALYTICS_DB_PATH, then receipts-demo.db here
  --json           one JSON object on stdout, and nothing else
  --help           this text

With --json: receipts and skipped lines of this run; then executions, successes, failures, byTool, failuresByType,
latencyMs {average, min, max, p50, p95, p99} and runs of the whole database; the same for this run alone under run;
extraction (how many totals and dates of this run were right); db.

Exit codes: 0 done, 1 nothing could be read or recorded, 2 wrong usage.
`;

/** @throws Error with a message for the user. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      receipts: { type: 'string' },
      db: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  const ours = fileURLToPath(new URL('../data/receipts.jsonl', import.meta.url));
  return {
    help: values.help,
    json: values.json,
    receipts: values.receipts === undefined ? ours : resolve(cwd, values.receipts),
    db: resolve(cwd, values.db || env['ANALYTICS_DB_PATH']?.trim() || 'receipts-demo.db'),
  };
}
