import type { Figures, OperationSums } from './figures.ts';

/** The sums of all operations, of every kind. */
export interface OperationsSummary {
  readonly totalOperations: number;
  readonly successes: number;
  readonly failures: number;
  /** 0 to 1; null without operations. */
  readonly successRate: number | null;
  /** Sum of the known costs; null if none is known. */
  readonly totalCostUsd: number | null;
  /** Null if no duration is known. */
  readonly averageDurationMs: number | null;
  readonly totalTokens: number;
}

/** What an operation has cost. `calls` includes those of unknown cost. */
export interface OperationCost {
  readonly kind: OperationSums['kind'];
  readonly name: string;
  readonly calls: number;
  readonly totalCostUsd: number;
  /** Over the calls whose cost is known. */
  readonly averageCostUsd: number;
}

/** What all operations of one name have cost together. */
export type NameCost = Pick<OperationCost, 'name' | 'totalCostUsd'>;

/** Counts are weighted by sampling. An unknown cost does not count as 0: it is left out. */
export interface Views {
  /** All operations together. */
  summary(): OperationsSummary;
  /** The cost of each name, most expensive first; operations of the same name and different kinds together. */
  costByOperation(): readonly NameCost[];
  /** The `n` most expensive operations, most expensive first, then by kind and name. Default: 5. */
  mostExpensive(n?: number): readonly OperationCost[];
  /** Of all operations of this name, whatever their kind: 0 to 1; null if none was counted. */
  errorRate(name: string): number | null;
  /** Costs and errors of all operations, as a text to print. */
  report(): string;
}

export function viewsOf(figures: Figures): Views {
  const expensive = figures.operations
    .flatMap(toCost)
    .sort((one, other) => other.totalCostUsd - one.totalCostUsd || byTitle(one, other));
  return {
    summary: () => summaryOf(figures),
    costByOperation() {
      const byName = Map.groupBy(expensive, ({ name }) => name);
      return Array.from(byName, ([name, costs]) => ({
        name,
        totalCostUsd: sumUsd(costs.map((one) => one.totalCostUsd)),
      })).sort((one, other) => other.totalCostUsd - one.totalCostUsd);
    },
    mostExpensive: (n = 5) => expensive.slice(0, Math.max(0, n)),
    errorRate(name) {
      const named = figures.operations.filter((one) => one.name === name);
      return ratio(sum(named.map((one) => one.failures)), sum(named.map((one) => one.calls)));
    },
    report: () => [costReport(figures, expensive), errorReport(figures)].join('\n\n'),
  };
}

function summaryOf({ calls, failures, totalCostUsd, averageDurationMs, totalTokens }: Figures): OperationsSummary {
  const successes = calls - failures;
  const successRate = ratio(successes, calls);
  return { totalOperations: calls, successes, failures, successRate, totalCostUsd, averageDurationMs, totalTokens };
}

function toCost({ kind, name, calls, pricedCalls, totalCostUsd }: OperationSums): OperationCost[] {
  return totalCostUsd === null
    ? []
    : [{ kind, name, calls, totalCostUsd, averageCostUsd: ratio(totalCostUsd, pricedCalls) ?? 0 }];
}

function costReport({ calls, pricedCalls, totalCostUsd }: Figures, costs: readonly OperationCost[]): string {
  const lines = costs.flatMap((one) => [
    `${titleOf(one)}:`,
    `  Total: $${one.totalCostUsd.toFixed(4)}`,
    `  Calls: ${count(one.calls)}`,
    `  Avg: $${one.averageCostUsd.toFixed(6)}`,
  ]);
  const total = totalCostUsd === null ? 'unknown' : `$${totalCostUsd.toFixed(4)}`;
  return [
    '=== Cost Report ===',
    `Total cost: ${total}`,
    `Calls of unknown cost: ${count(calls - pricedCalls)}`,
    ...lines,
  ].join('\n');
}

function errorReport({ operations }: Figures): string {
  const rateOf = ({ calls, failures }: OperationSums): number => ratio(failures, calls) ?? 0;
  const lines = [...operations]
    .sort((one, other) => rateOf(other) - rateOf(one) || other.failures - one.failures || byTitle(one, other))
    .flatMap((one) => [
      `${titleOf(one)}:`,
      `  Total calls: ${count(one.calls)}`,
      `  Errors: ${count(one.failures)}`,
      `  Error rate: ${(100 * rateOf(one)).toFixed(1)}%`,
    ]);
  return ['=== Error Report ===', ...lines].join('\n');
}

function titleOf({ kind, name }: Pick<OperationSums, 'kind' | 'name'>): string {
  return kind === null ? name : `${kind} ${name}`;
}

function byTitle(one: Parameters<typeof titleOf>[0], other: Parameters<typeof titleOf>[0]): number {
  const [title, otherTitle] = [titleOf(one), titleOf(other)];
  return title < otherTitle ? -1 : title > otherTitle ? 1 : 0;
}

/** Sampled calls may add up to a fraction. */
function count(calls: number): string {
  return String(Math.round(calls));
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Exact to the nano-dollar. */
function sumUsd(values: readonly number[]): number {
  return sum(values.map((value) => Math.round(value * 1e9))) / 1e9;
}
