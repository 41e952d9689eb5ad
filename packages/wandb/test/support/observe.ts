import type { ExecutionKind, JsonObject, RunState, ToolkitOperation, Usage } from '@toolweaver/analytics-core';
import type { ExecutionTally, Observation } from '@toolweaver/analytics-testkit';

/** A run as its far side shows it, whichever that is. */
export interface ShownRun {
  /** The id that the program gave it; undefined for the run of what belongs to none. */
  readonly runId: string | undefined;
  readonly name: string | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly summary: Readonly<Record<string, unknown>>;
  readonly artifacts: readonly { readonly metadata: Readonly<Record<string, unknown>> }[];
}

const kinds: readonly string[] = ['skill', 'llm', 'agent', 'search', 'operation'];
const tokenKeys: Record<keyof Usage, string> = {
  inputTokens: 'input',
  cacheReadTokens: 'cache_read',
  cacheWriteTokens: 'cache_write',
  outputTokens: 'output',
  reasoningTokens: 'reasoning',
};

/** What the rows of runs say, by their keys. Each row is of one event. */
export function observeRuns(runs: readonly ShownRun[]): Observation {
  const executions: ExecutionTally[] = [];
  const ratings: NonNullable<Observation['ratings']>[number][] = [];
  const toolkits: NonNullable<Observation['toolkits']>[number][] = [];
  const health = new Map<string, { score: number; at: number }>();
  const metrics = new Map<string, { count: number; last: number; at: number }>();
  for (const row of runs.flatMap((run) => run.rows)) {
    const at = Number(row['_timestamp']);
    const keys = Object.keys(row).filter((key) => !/^(_(timestamp|runtime|step)$|tokens\/)/.test(key));
    const status = keys.find((key) => key.endsWith('/status'));
    const [first = ''] = keys;
    const path = (status ?? first).split('/').map(decodeURIComponent);
    if (status !== undefined && path[0] === 'toolkit' && path.length === 4) {
      const operation = path[2] as ToolkitOperation;
      toolkits.push({ toolkit: path[1] as string, operation, count: 1, failures: row[status] === 'failure' ? 1 : 0 });
    } else if (status !== undefined) {
      executions.push(executionIn(row, status, path));
    } else if (path.length === 3 && path[2] === 'rating') {
      ratings.push({ skillId: path[1] as string, count: 1, sum: row[first] as number });
    } else if (path.length === 3 && path[2] === 'health') {
      const before = health.get(path[1] as string);
      if (before === undefined || before.at <= at) {
        health.set(path[1] as string, { score: row[first] as number, at });
      }
    } else {
      for (const key of keys.filter((name) => name !== 'metrics/step')) {
        const before = metrics.get(key);
        const last = before === undefined || before.at <= at ? (row[key] as number) : before.last;
        metrics.set(key, { count: (before?.count ?? 0) + 1, last, at: Math.max(at, before?.at ?? at) });
      }
    }
  }
  return {
    executions,
    ratings,
    toolkits,
    health: [...health].map(([skillId, { score }]) => ({ skillId, score })),
    metrics: [...metrics].map(([name, { count, last }]) => ({ name, count, last })),
    runs: runs.flatMap(({ runId, name, config, tags, summary }) => {
      const state = summary['summary/state'] as RunState | undefined;
      // An id of which the service takes another form stands in the configuration.
      const { run_id: _id, ...own } = config;
      return runId === undefined || state === undefined
        ? []
        : [{ runId, state, name, config: own as JsonObject, tags }];
    }),
    artifacts: runs.flatMap((run) =>
      run.artifacts.map(({ metadata }) => ({
        name: String(metadata['name']),
        kind: String(metadata['kind']),
        count: 1,
      })),
    ),
  };
}

function executionIn(row: Readonly<Record<string, unknown>>, status: string, path: readonly string[]): ExecutionTally {
  const prefix = status.slice(0, -'/status'.length);
  const number = (key: string): number | undefined => row[key] as number | undefined;
  const isTool = path.length === 2;
  const kind = (isTool ? 'tool' : path[0]) as ExecutionKind;
  if (!isTool && !kinds.includes(kind)) {
    throw new Error(`a row of no kind: ${status}`);
  }
  const count = number(`${prefix}/weight`) ?? 1;
  const seconds = number(`${prefix}/duration`);
  const usd = number(`${prefix}/cost`);
  const failed = row[status] === 'failure';
  const tokens = Object.entries(tokenKeys).map(([name, key]) => [name, (number(`tokens/${key}`) ?? 0) * count]);
  return {
    kind,
    name: path[isTool ? 0 : 1] as string,
    count,
    successes: failed ? 0 : count,
    failures: failed ? count : 0,
    latency: { count: seconds === undefined ? 0 : count, sumMs: (seconds ?? 0) * 1000 * count },
    nanoUsd: usd === undefined ? null : Math.round(usd * 1e9) * count,
    tokens: 'tokens/total' in row ? (Object.fromEntries(tokens) as unknown as Usage) : null,
  };
}
