import type { AnalyticsEvent, AnalyticsReader, ExecutionEvent } from '@toolweaver/analytics-core';
import { countsOf, distinct, groupsOf, isLimit, latencyOf, refuse, weightOf } from './figures.ts';
import { skillsOver } from './skills.ts';

/** A reader that counts the rows by hand. */
export function readerOver(rows: () => readonly AnalyticsEvent[]): AnalyticsReader {
  const executions = (): ExecutionEvent[] => rows().filter((row) => row.type === 'execution');
  const reader: Pick<AnalyticsReader, 'summary' | 'listExecutions'> = {
    async summary({ range: { from = 0, to = Number.POSITIVE_INFINITY } = {} } = {}) {
      refuse([['range.from', !Number.isNaN(from)]]);
      const all = executions().filter(({ at }) => at >= from && at < to);
      const costs = all.flatMap(({ cost, weight = 1 }) => (cost === undefined ? [] : [cost.nanoUsd * weight]));
      const asked = all.filter(({ cacheHit }) => cacheHit !== undefined);
      const failed = all.filter(({ success }) => !success);
      return {
        ...countsOf(all),
        latencyMs: latencyOf(all),
        totalTokens: all.reduce(
          (sum, { usage, weight = 1 }) => sum + weight * Object.values(usage ?? {}).reduce((one, two) => one + two, 0),
          0,
        ),
        totalCostUsd: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0) / 1e9,
        cacheHitRate: asked.length === 0 ? null : weightOf(asked.filter(({ cacheHit }) => cacheHit)) / weightOf(asked),
        names: groupsOf(all, ({ kind, name }) => ({ kind, name }))
          .map(([subject, own]) => ({ ...subject, ...countsOf(own), averageLatencyMs: latencyOf(own).average }))
          .sort((one, other) => other.executions - one.executions),
        failuresByType: groupsOf(failed, ({ kind, name, error }) => ({
          kind,
          name,
          errorType: error?.type ?? 'unknown',
        }))
          .map(([subject, own]) => ({ ...subject, failures: weightOf(own) }))
          .sort((one, other) => other.failures - one.failures),
        slowest: all
          .filter(({ latencyMs }) => latencyMs !== undefined)
          .sort((one, other) => (other.latencyMs ?? 0) - (one.latencyMs ?? 0))
          .slice(0, 5),
        runs: distinct(all.map(({ runId }) => runId)),
      };
    },

    async listExecutions(filter = {}, cursor) {
      const { from = 0, to = Number.POSITIVE_INFINITY, limit = 100, errorType, ...equal } = filter;
      refuse([
        ['limit', isLimit(limit)],
        [
          'kind',
          filter.kind === undefined || ['skill', 'tool', 'llm', 'agent', 'search', 'operation'].includes(filter.kind),
        ],
        ['cursor', cursor === undefined || /^\d+$/.test(cursor)],
      ]);
      const found = executions()
        .filter((row) => row.at >= from && row.at < to && (errorType === undefined || row.error?.type === errorType))
        .filter((row) =>
          Object.entries(equal).every(
            ([field, value]) => value === undefined || row[field as keyof ExecutionEvent] === value,
          ),
        )
        .sort((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));
      const start = Number(cursor ?? 0);
      const end = start + limit;
      return {
        executions: found.slice(start, end),
        ...(end < found.length ? { nextCursor: String(end) } : {}),
      };
    },
  };
  // What no law asks for is not there.
  return { ...skillsOver(rows), ...reader } as AnalyticsReader;
}
