import type { AnalyticsReader, SummaryOptions } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import type { Figures } from './figures.ts';
import { type Views, viewsOf } from './views.ts';

/** The views, each of which asks the store, and rejects if the store does. */
export type StoreCollector = {
  readonly [V in keyof Views]: (...args: Parameters<Views[V]>) => Promise<ReturnType<Views[V]>>;
};

/**
 * Views over what a store holds: of all time and all executions, unless the options say otherwise. Beyond 1000 operations, only the
 * most expensive have costs; the sums are of all.
 * @throws AnalyticsError `INVALID_CONFIG` for anything but a reader.
 */
export function collectorOf(
  reader: Pick<AnalyticsReader, 'summary' | 'getCosts'>,
  options: SummaryOptions = {},
): StoreCollector {
  if (typeof Object(reader).getCosts !== 'function') {
    throw configError([{ field: 'reader', message: 'must be the `reader` of a client or of a store' }]);
  }
  const views = async (): Promise<Views> => viewsOf(await load());

  async function load(): Promise<Figures> {
    const [summary, costs] = await Promise.all([
      reader.summary(options),
      reader.getCosts({ ...options, by: 'operation', limit: 1000 }),
    ]);
    const keyOf = ({ kind, name }: { kind: string | null; name: string | null }): string => `${kind} ${name}`;
    const costOf = new Map(costs.entries.map((entry) => [keyOf(entry), entry]));
    return {
      calls: summary.executions,
      failures: summary.failures,
      totalTokens: summary.totalTokens,
      averageDurationMs: summary.latencyMs.average,
      pricedCalls: costs.pricedExecutions,
      unpricedCalls: costs.executions - costs.pricedExecutions,
      totalCostUsd: costs.totalCostUsd,
      operations: summary.names.map(({ kind, name, executions, failures }) => {
        const { pricedExecutions = 0, totalCostUsd = null } = costOf.get(keyOf({ kind, name })) ?? {};
        return { kind, name, calls: executions, failures, pricedCalls: pricedExecutions, totalCostUsd };
      }),
    };
  }

  return {
    summary: async () => (await views()).summary(),
    costByOperation: async () => (await views()).costByOperation(),
    mostExpensive: async (n) => (await views()).mostExpensive(n),
    errorRate: async (name) => (await views()).errorRate(name),
    report: async () => (await views()).report(),
  };
}
