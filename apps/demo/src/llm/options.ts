import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { databaseSetting } from '../database.ts';

export interface LlmOptions {
  readonly help: boolean;
  readonly json: boolean;
  /** Absolute path of a CSV file; undefined: invented calls. */
  readonly calls: string | undefined;
  /** The names of the models. Calls go to them in turn. */
  readonly models: readonly [string, string];
  /** How many times faster than the trace to play; undefined: as fast as possible. */
  readonly speed: number | undefined;
  /** The number of calls to play, from the first. */
  readonly limit: number;
  /** The database, as the backend takes it. */
  readonly db: string;
}

const usualModels = 'gpt-4.1-mini,claude-sonnet-4-5';

export const help = `Replays a trace of LLM calls as if two models had answered them, and reports from the database what they would have cost.
ANALYTICS_BACKEND says where they are recorded (default: sqlite), and has to name sqlite.

Usage: npm run demo:llm -- [options]

  --calls FILE    a CSV file with the columns TIMESTAMP (UTC), ContextTokens and GeneratedTokens. Default: an hour of
                  600 invented calls
  --models A,B    two names; calls go to them in turn. Default: ${usualModels}
  --speed N       playback speed; 1 is the original speed. Default: as fast as possible
  --limit N       only the first N calls
  --db PATH       the SQLite file; further runs add to it. Default: ANALYTICS_DB_PATH, then llm-demo.db here
  --json          one JSON object on stdout, and nothing else
  --help          this text

With --json: calls and skipped lines; tokens; costUsd and pricedCalls; models, each with calls, tokens, costUsd and
costPerCallUsd; burnRate {usdPerHour, usdPerDay, hours}; unpriced models; run and db. All of it is about this run.

Exit codes: 0 done, 1 nothing could be read or recorded, 2 wrong usage.
`;

/** @throws Error with a message for the user. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): LlmOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      calls: { type: 'string' },
      models: { type: 'string', default: usualModels },
      speed: { type: 'string' },
      limit: { type: 'string' },
      db: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  const [first = '', second = '', ...more] = values.models.split(',').map((name) => name.trim());
  if (first === '' || second === '' || more.length > 0) {
    throw new Error(`--models must be two names with a comma between, got '${values.models}'`);
  }
  const speed = values.speed === undefined ? undefined : Number(values.speed);
  if (speed !== undefined && !(speed > 0 && speed < Number.POSITIVE_INFINITY)) {
    throw new Error(`--speed must be a number above 0, got '${values.speed}'`);
  }
  const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : Number(values.limit);
  if (values.limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new Error(`--limit must be a whole number from 1 on, got '${values.limit}'`);
  }
  return {
    help: values.help,
    json: values.json,
    calls: values.calls === undefined ? undefined : resolve(cwd, values.calls),
    models: [first, second],
    speed,
    limit,
    db: databaseSetting(cwd, values.db, env, 'llm-demo.db'),
  };
}
