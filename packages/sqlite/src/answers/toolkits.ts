import type { InvocationStats, ToolkitMetrics } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { all, type Db, type Filter, matches } from './filter.ts';
import { without } from './numbers.ts';
import { compareTexts, inOrder } from './order.ts';
import { toolkitConditions } from './toolkit-traces.ts';

export interface ToolkitsQuestion {
  readonly filter: Pick<Filter, 'from' | 'to' | 'runId'>;
}

/** Records are lists of entries, as objects sent between threads have a prototype again. */
export interface ToolkitsFound extends Pick<ToolkitMetrics, 'toolkit_lifecycle' | 'tool_invocations'> {
  readonly by_toolkit: readonly [string, InvocationStats][];
  readonly by_tool: readonly [string, ToolkitMetrics['by_tool'][string]][];
}

export async function toolkits(db: Db, { filter }: ToolkitsQuestion): Promise<ToolkitsFound> {
  const tools = await invocations(db, filter);
  const all = sum(tools);
  const { successful, failed } = toStats(all);
  const byToolkit = Map.groupBy(tools, ({ toolkit }) => toolkit ?? '');
  return {
    toolkit_lifecycle: await lifecycle(db, filter),
    tool_invocations: {
      total_calls: all.calls,
      successful_calls: successful,
      failed_calls: failed,
      success_rate: all.calls === 0 ? 0 : all.successes / all.calls,
      avg_duration_ms: average(all),
      total_duration_ms: all.duration,
    },
    by_toolkit: Array.from(byToolkit, ([toolkit, own]) => [toolkit, toStats(sum(own))]),
    by_tool: keyed(tools),
  };
}

interface Sums {
  readonly calls: number;
  readonly successes: number;
  /** The sum of known durations; `timed` is their number. */
  readonly duration: number;
  readonly timed: number;
}

interface Tool extends Sums {
  readonly toolkit: string | null;
  readonly tool: string;
}

async function invocations(db: Db, filter: ToolkitsQuestion['filter']): Promise<Tool[]> {
  const { rows } = await sql<Tool>`
    SELECT (SELECT text FROM dictionary WHERE id = g.toolkit) AS toolkit, s.name AS tool, g.calls, g.successes, g.duration, g.timed
    FROM (
      SELECT e.toolkit, e.subject, total(coalesce(e.weight, 1)) AS calls,
        total(coalesce(e.weight, 1)) FILTER (WHERE e.success) AS successes,
        total(coalesce(e.weight, 1) * e.latency_ms) AS duration,
        total(coalesce(e.weight, 1)) FILTER (WHERE e.latency_ms IS NOT NULL) AS timed
      FROM execution_events e WHERE ${matches({ ...filter, kind: 'tool' })} GROUP BY e.toolkit, e.subject
    ) g JOIN subjects s ON s.id = g.subject`.execute(db);
  return rows.sort(
    inOrder(
      (one, other) => compareTexts(one.toolkit ?? '', other.toolkit ?? ''),
      (one, other) => compareTexts(one.tool, other.tool),
    ),
  );
}

/** Gives each tool a key of its own, even if dots in the names of toolkits and tools make two look alike. */
function keyed(tools: readonly Tool[]): ToolkitsFound['by_tool'] {
  const keys = new Set<string>();
  return tools.map(({ toolkit, tool, ...sums }) => {
    let key = toolkit === null ? tool : `${toolkit}.${tool}`;
    while (keys.has(key)) {
      key = JSON.stringify([toolkit, key]);
    }
    keys.add(key);
    return [key, { toolkit, tool, ...toStats(sums) }];
  });
}

async function lifecycle(db: Db, filter: ToolkitsQuestion['filter']): Promise<ToolkitMetrics['toolkit_lifecycle']> {
  const { rows } = await sql<{ operation: string; events: number }>`
    SELECT (SELECT text FROM dictionary WHERE id = e.operation) AS operation, total(coalesce(e.weight, 1)) AS events
    FROM toolkit_events e WHERE ${all(toolkitConditions(filter))} GROUP BY e.operation`.execute(db);
  const count = (operation: string): number => rows.find((row) => row.operation === operation)?.events ?? 0;
  const [hits, misses] = [count('cache_hit'), count('cache_miss')];
  return { total_created: count('create'), cache_hit_rate: hits === 0 ? 0 : hits / (hits + misses) };
}

function toStats(sums: Sums): InvocationStats {
  return {
    calls: sums.calls,
    successful: sums.successes,
    failed: without(sums.calls, sums.successes),
    avg_duration_ms: average(sums),
    total_duration_ms: sums.duration,
  };
}

function average({ duration, timed }: Sums): number {
  return timed === 0 ? 0 : duration / timed;
}

function sum(tools: readonly Tool[]): Sums {
  const add = (figure: keyof Sums): number => tools.reduce((total, tool) => total + tool[figure], 0);
  return { calls: add('calls'), successes: add('successes'), duration: add('duration'), timed: add('timed') };
}
