import type { OptionChecks, OptionNames } from '@toolweaver/analytics-core/backend';

interface Threshold {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly help: string;
}

/**
 * The name of an alert threshold, whose value is a share from 0 to 1 (`Ratio`, `sloObjective`, `cacheHitDrop`), milliseconds
 * (`Ms`), dollars (`Usd`), a multiple (`Factor`), a number of executions (`minExecutions`), or a score from 0 to 100
 * (`healthScore`). The README explains each of them.
 */
export type ThresholdName =
  | 'successRatio'
  | 'failureRatio'
  | 'errorSpikeFactor'
  | 'minExecutions'
  | 'skillP95Ms'
  | 'toolP95Ms'
  | 'llmP95Ms'
  | 'runMeanMs'
  | 'healthScore'
  | 'costPerHourUsd'
  | 'costPerRunUsd'
  | 'cacheHitDrop'
  | 'sloObjective';

/** The values of all alert thresholds. */
export type Thresholds = Readonly<Record<ThresholdName, number>>;

export const thresholdTable: Readonly<Record<ThresholdName, Threshold>> = {
  successRatio: { value: 0.95, min: 0, max: 1, help: 'share of executions that succeed, below which is a warning' },
  failureRatio: { value: 0.2, min: 0, max: 1, help: 'share of executions that fail, above which is critical' },
  errorSpikeFactor: {
    value: 3,
    min: 1,
    max: 1000,
    help: 'how many times the failure ratio of the hour before is a spike',
  },
  minExecutions: {
    value: 20,
    min: 1,
    max: 1e9,
    help: 'executions in the window, below which no ratio and no percentile alerts',
  },
  skillP95Ms: { value: 10_000, min: 1, max: 1e9, help: 'P95 of a skill, in ms' },
  toolP95Ms: { value: 10_000, min: 1, max: 1e9, help: 'P95 of a tool, in ms' },
  llmP95Ms: { value: 30_000, min: 1, max: 1e9, help: 'P95 of the calls of a model, in ms' },
  runMeanMs: {
    value: 300_000,
    min: 1,
    max: 1e9,
    help: 'mean duration of an agent, a search or another operation, in ms',
  },
  healthScore: { value: 60, min: 0, max: 100, help: 'health score of a skill, below which is a warning' },
  costPerHourUsd: { value: 10, min: 0, max: 1e9, help: 'known cost of an hour, in dollars' },
  costPerRunUsd: { value: 5, min: 0, max: 1e9, help: 'known cost of an hour for each agent run of it, in dollars' },
  cacheHitDrop: {
    value: 0.2,
    min: 0,
    max: 1,
    help: 'by how much the hit ratio of an hour may lie below that of the day before',
  },
  sloObjective: {
    value: 0.95,
    min: 0.94,
    max: 0.99999,
    help: 'share of executions that are to succeed over 30 days; what it leaves is the error budget',
  },
};

export const thresholdNames: readonly ThresholdName[] = Object.keys(thresholdTable) as ThresholdName[];

/** The default thresholds: shares from 0 to 1, the health score from 0 to 100, the rest in the units of their names. */
export const defaultThresholds: Thresholds = Object.fromEntries(
  thresholdNames.map((name) => [name, thresholdTable[name].value]),
) as Thresholds;

const optionNames = Object.fromEntries(thresholdNames.map((name) => [name, true])) as OptionNames<Thresholds>;

const percentiles: readonly ThresholdName[] = ['skillP95Ms', 'toolP95Ms', 'llmP95Ms'];

/** Returns the thresholds with their defaults. */
export function resolveThresholds(
  check: OptionChecks,
  thresholds: Partial<Thresholds> | undefined,
  latencyBucketsMs: readonly number[],
): Thresholds {
  const given = check.group('thresholds', thresholds, optionNames);
  // Without buckets, as wrong ones were refused, there is nothing to compare with.
  const highest = latencyBucketsMs.at(-1) ?? Infinity;
  const resolved = thresholdNames.map((name): [ThresholdName, number] => {
    const field = `thresholds.${name}`;
    const { min, max } = thresholdTable[name];
    const value = check.number(field, given[name], { min, max }) ?? defaultThresholds[name];
    if (percentiles.includes(name) && value >= highest) {
      const why = 'no percentile is ever above it, so the alert could not fire';
      check.problem(
        field,
        `must be below the highest latency bucket, ${highest} ms: ${why}. Set it lower or latencyBucketsMs higher`,
      );
    }
    return [name, value];
  });
  return Object.fromEntries(resolved) as Thresholds;
}
