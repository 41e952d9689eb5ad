import type { AnalyticsEvent, AnalyticsReader, ExecutionEvent } from '@toolweaver/analytics-core';
import { isLimit, refuse } from './figures.ts';
import { operationsOver } from './operations.ts';
import { reportsOver } from './reports.ts';
import { runsOver } from './runs.ts';
import { skillsOver } from './skills.ts';
import { toolkitsOver } from './toolkits.ts';

// Below 0 what is unknown.
const latencyOf = ({ latencyMs = -1 }: ExecutionEvent): number => latencyMs;
const costOf = ({ cost }: ExecutionEvent): number => cost?.nanoUsd ?? -1;

/** A reader that counts the rows by hand. */
export function readerOver(rows: () => readonly AnalyticsEvent[]): AnalyticsReader {
  const executions = (): ExecutionEvent[] => rows().filter((row) => row.type === 'execution');
  const reader: Pick<AnalyticsReader, 'listExecutions'> = {
    async listExecutions(filter = {}, cursor) {
      const {
        from = 0,
        to = Number.POSITIVE_INFINITY,
        limit = 100,
        errorType,
        minLatencyMs,
        orderBy,
        ...equal
      } = filter;
      const numberOf = { at: () => 0, latencyMs: latencyOf, costUsd: costOf }[orderBy ?? 'at'];
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
        .filter((row) => numberOf(row) >= 0 && (minLatencyMs === undefined || latencyOf(row) >= minLatencyMs))
        .sort((one, other) => numberOf(other) - numberOf(one) || other.at - one.at || (one.id < other.id ? 1 : -1));
      const start = Number(cursor ?? 0);
      const end = start + limit;
      return {
        executions: found.slice(start, end),
        ...(end < found.length ? { nextCursor: String(end) } : {}),
      };
    },
  };
  return {
    ...skillsOver(rows),
    ...operationsOver(rows),
    ...reportsOver(rows),
    ...runsOver(rows),
    ...toolkitsOver(rows),
    ...reader,
  };
}
