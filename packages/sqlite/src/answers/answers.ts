import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import type { Connection } from '../database.ts';
import { logCheck } from '../fold.ts';
import { adoption } from './adoption.ts';
import { cache } from './cache.ts';
import { compare } from './compare.ts';
import { costs } from './costs.ts';
import { errors } from './errors.ts';
import { executions } from './executions.ts';
import type { Db } from './filter.ts';
import { health } from './health.ts';
import { heatmap } from './heatmap.ts';
import { latency } from './latency.ts';
import { leaderboard } from './leaderboard.ts';
import { metrics } from './metrics.ts';
import { models } from './models.ts';
import { addPending } from './pending.ts';
import { recommend } from './recommend.ts';
import { recommendations } from './recommendations.ts';
import { run } from './run.ts';
import { runMetrics } from './run-metrics.ts';
import { runs } from './runs.ts';
import { summary } from './summary.ts';
import { toolkitTraces } from './toolkit-traces.ts';
import { toolkits } from './toolkits.ts';
import { trend } from './trend.ts';
import { usage } from './usage.ts';
import { versions } from './versions.ts';
import { waste } from './waste.ts';

/** Every question that the database thread answers. Options are validated and complete, and times are absolute. */
export interface Answers {
  readonly usage: typeof usage;
  readonly metrics: typeof metrics;
  readonly health: typeof health;
  readonly leaderboard: typeof leaderboard;
  readonly adoption: typeof adoption;
  readonly recommend: typeof recommend;
  readonly recommendations: typeof recommendations;
  readonly summary: typeof summary;
  readonly costs: typeof costs;
  readonly waste: typeof waste;
  readonly errors: typeof errors;
  readonly cache: typeof cache;
  readonly models: typeof models;
  readonly latency: typeof latency;
  readonly trend: typeof trend;
  readonly heatmap: typeof heatmap;
  readonly executions: typeof executions;
  readonly runs: typeof runs;
  readonly run: typeof run;
  readonly runMetrics: typeof runMetrics;
  readonly compare: typeof compare;
  readonly versions: typeof versions;
  readonly toolkits: typeof toolkits;
  readonly toolkitTraces: typeof toolkitTraces;
}

const answers: Answers = {
  usage,
  metrics,
  health,
  leaderboard,
  adoption,
  recommend,
  recommendations,
  summary,
  costs,
  waste,
  errors,
  cache,
  models,
  latency,
  trend,
  heatmap,
  executions,
  runs,
  run,
  runMetrics,
  compare,
  versions,
  toolkits,
  toolkitTraces,
};

export type Question<K extends keyof Answers = keyof Answers> = Parameters<Answers[K]>[1];

/** How the methods of the reader ask. */
export type Ask = <K extends keyof Answers>(name: K, question: Question<K>) => ReturnType<Answers[K]>;

/** Undefined if the log must be folded first, unless `evenUnfolded`: then it is summed for this question only. */
export type Answer = (
  name: keyof Answers,
  question: Question,
  evenUnfolded: boolean,
) => Promise<{ readonly answer: unknown } | undefined>;

/** Answers questions from a connection, each from one snapshot of the database, whatever is written meanwhile. */
export function createAnswer(connection: Connection): Answer {
  const db: Db = new Kysely({ dialect: new SqliteDialect({ database: remembering(connection) }) });
  const hasLog = logCheck(connection);
  return async (name, question, evenUnfolded) => {
    if (!evenUnfolded && hasLog()) {
      return undefined;
    }
    const find = answers[name] as (db: Db, question: Question) => Promise<unknown>;
    return db.transaction().execute(async (tx) => {
      const takeBack = hasLog() ? addPending(connection) : undefined;
      try {
        return { answer: await find(tx, question) };
      } finally {
        takeBack?.();
      }
    });
  };
}

/** The cache of statements is cleared at this size, as some questions put values into their SQL. */
const maxStatements = 200;

/** Prepares each statement once: for a quick question, preparing takes as long as answering. */
function remembering(connection: Connection): SqliteDatabase {
  const statements = new Map<string, ReturnType<SqliteDatabase['prepare']>>();
  return {
    prepare(text) {
      let statement = statements.get(text);
      if (statement === undefined) {
        if (statements.size >= maxStatements) {
          statements.clear();
        }
        statement = connection.prepare(text);
        statements.set(text, statement);
      }
      return statement;
    },
    close: () => {},
  };
}
