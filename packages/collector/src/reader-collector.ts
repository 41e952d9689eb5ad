import type { AnalyticsReader, OperationSummary, Summary, SummaryOptions } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import type { Figures, Sums } from './figures.ts';
import { type Views, viewsOf } from './views.ts';

/** The views, each of which asks the store, and rejects if the store does. */
export type StoreCollector = {
  readonly [V in keyof Views]: (...args: Parameters<Views[V]>) => Promise<ReturnType<Views[V]>>;
};

/**
 * Views over what a store holds: of all time and all executions, unless the options say otherwise.
 * @throws AnalyticsError `INVALID_CONFIG` for anything but a reader.
 */
export function collectorOf(reader: Pick<AnalyticsReader, 'summary'>, options: SummaryOptions = {}): StoreCollector {
  if (typeof Object(reader).summary !== 'function') {
    throw configError([{ field: 'reader', message: 'must be the `reader` of a client or of a store' }]);
  }
  const views = async (): Promise<Views> => viewsOf(toFigures(await reader.summary(options)));
  return {
    summary: async () => (await views()).summary(),
    costByOperation: async () => (await views()).costByOperation(),
    mostExpensive: async (n) => (await views()).mostExpensive(n),
    errorRate: async (name) => (await views()).errorRate(name),
    report: async () => (await views()).report(),
  };
}

function toFigures(summary: Summary): Figures {
  return {
    ...toSums(summary),
    totalTokens: summary.totalTokens,
    averageDurationMs: summary.latencyMs.average,
    operations: summary.operations.map((operation) => ({
      kind: operation.kind,
      name: operation.name,
      ...toSums(operation),
    })),
  };
}

function toSums({ executions, failures, pricedExecutions, totalCostUsd }: Summary | OperationSummary): Sums {
  return { calls: executions, failures, pricedCalls: pricedExecutions, totalCostUsd };
}
