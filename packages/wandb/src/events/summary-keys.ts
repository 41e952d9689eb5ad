/** The summary keys of a total. */
export interface SummaryKeys {
  readonly operations: string;
  readonly failures: string;
  readonly successRate: string;
  readonly cost: string;
  readonly tokens: string;
  readonly duration: string;
  readonly averageDuration: string;
}

/** `prefix` is '' for the total of the whole run. */
export function summaryKeysOf(prefix: string): SummaryKeys {
  const key = prefix === '' ? 'summary/' : `summary/${prefix}/`;
  return {
    operations: `${key}total_operations`,
    failures: `${key}failures`,
    successRate: `${key}success_rate`,
    cost: `${key}total_cost`,
    tokens: `${key}total_tokens`,
    duration: `${key}total_duration`,
    averageDuration: `${key}avg_duration`,
  };
}
