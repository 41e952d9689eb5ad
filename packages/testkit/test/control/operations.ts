import type { AnalyticsEvent, AnalyticsReader, CostEntry, CostGroup, ExecutionEvent } from '@toolweaver/analytics-core';
import {
  byKindAndName,
  costsOf,
  countsOf,
  distinct,
  executionsOf,
  groupsOf,
  hitRateOf,
  isLimit,
  isTime,
  latencyOf,
  type Options,
  operationsOf,
  refuse,
  weightOf,
} from './figures.ts';
import { wasteOf } from './waste.ts';

type Key = Pick<CostEntry, 'kind' | 'name'>;
type Find = (id: string | undefined) => ExecutionEvent | undefined;

/** The nearest execution of a kind: itself, or one that called it. */
const callerOf =
  (kind: ExecutionEvent['kind']) =>
  (event: ExecutionEvent, find: Find): Key => {
    let at: ExecutionEvent | undefined = event;
    while (at !== undefined && at.kind !== kind) {
      at = find(at.parentId);
    }
    return { kind: at?.kind ?? null, name: at?.name ?? null };
  };

const keyOf: Record<CostGroup, (event: ExecutionEvent, find: Find) => Key> = {
  operation: ({ kind, name }) => ({ kind, name }),
  kind: ({ kind }) => ({ kind, name: null }),
  model: ({ model }) => ({ kind: null, name: model ?? null }),
  organisation: ({ orgId }) => ({ kind: null, name: orgId ?? null }),
  user: ({ userId }) => ({ kind: null, name: userId ?? null }),
  run: ({ runId }) => ({ kind: null, name: runId ?? null }),
  skill: callerOf('skill'),
  tool: callerOf('tool'),
  agent: callerOf('agent'),
};

/** The questions about operations, answered by counting the rows by hand. */
export function operationsOver(
  rows: () => readonly AnalyticsEvent[],
): Pick<AnalyticsReader, 'summary' | 'getCosts' | 'getWaste' | 'getErrors'> {
  const about = (options: Options): ExecutionEvent[] => executionsOf(rows(), options);
  const typed = ({ kind, name, error }: ExecutionEvent) => ({ kind, name, errorType: error?.type ?? 'unknown' });

  return {
    async summary(options = {}) {
      const { from, to } = options;
      refuse([
        ['from', isTime(from)],
        ['to', isTime(to)],
      ]);
      const all = about(options as Options);
      const failed = all.filter(({ success }) => !success);
      return {
        ...countsOf(all),
        latencyMs: latencyOf(all),
        ...costsOf(all),
        cacheHitRate: hitRateOf(all),
        operations: operationsOf(all),
        failuresByType: groupsOf(failed, typed)
          .map(([subject, own]) => ({ ...subject, failures: weightOf(own) }))
          .sort((one, other) => other.failures - one.failures),
        slowest: all
          .filter(({ latencyMs }) => latencyMs !== undefined)
          .sort((one, other) => (other.latencyMs ?? 0) - (one.latencyMs ?? 0))
          .slice(0, 5),
        runs: distinct(all.map(({ runId }) => runId)),
      };
    },

    async getCosts({ by = 'operation', limit = 100, ...options } = {}) {
      refuse([
        ['by', keyOf[by] !== undefined],
        ['limit', isLimit(limit)],
      ]);
      const all = about(options as Options);
      const callers = new Map(about({}).map((event) => [event.id, event]));
      return {
        ...costsOf(all),
        entries: groupsOf(all, (event) => keyOf[by](event, (id = '') => callers.get(id)))
          .map(([key, own]): CostEntry => {
            const ofItself = by === 'operation' ? [] : own.filter(({ kind }) => kind === by);
            const calls = ofItself.length === 0 ? null : weightOf(ofItself);
            const { totalCostUsd, ...totals } = costsOf(own);
            const costPerCallUsd = calls === null || totalCostUsd === null ? null : totalCostUsd / calls;
            return { ...key, ...totals, totalCostUsd, calls, costPerCallUsd };
          })
          .sort((one, other) => (other.totalCostUsd ?? -1) - (one.totalCostUsd ?? -1) || byKindAndName(one, other))
          .slice(0, limit),
      };
    },

    async getWaste({ limit = 100, ...options } = {}) {
      refuse([['limit', isLimit(limit)]]);
      const all = about(options as Options);
      return {
        ...wasteOf(all, costsOf),
        operations: groupsOf(all, ({ kind, name }) => ({ kind, name }))
          .map(([subject, own]) => ({ ...subject, ...wasteOf(own, costsOf) }))
          .sort(
            (one, other) =>
              (other.wasted.totalCostUsd ?? -1) - (one.wasted.totalCostUsd ?? -1) ||
              other.wasted.executions - one.wasted.executions ||
              byKindAndName(one, other),
          )
          .slice(0, limit),
      };
    },

    async getErrors({ limit = 100, ...options } = {}) {
      refuse([['limit', isLimit(limit)]]);
      const all = about(options as Options);
      const failed = all.filter(({ success }) => !success);
      return {
        executions: weightOf(all),
        failures: weightOf(failed),
        errorRate: all.length === 0 ? null : weightOf(failed) / weightOf(all),
        operations: groupsOf(all, ({ kind, name }) => ({ kind, name }))
          .map(([subject, own]) => {
            const { executions, failures } = countsOf(own);
            return { ...subject, executions, failures, errorRate: failures / executions };
          })
          .sort((one, other) => other.errorRate - one.errorRate || byKindAndName(one, other))
          .slice(0, limit),
        groups: groupsOf(failed, (event) => ({ errorType: typed(event).errorType }))
          .map(([{ errorType }, own]) => ({
            errorType,
            failures: weightOf(own),
            share: weightOf(own) / weightOf(failed),
            operations: groupsOf(own, ({ kind, name }) => ({ kind, name })).map(([subject, ofIt]) => ({
              ...subject,
              failures: weightOf(ofIt),
            })),
          }))
          .sort((one, other) => other.failures - one.failures)
          .slice(0, limit),
      };
    },
  };
}
