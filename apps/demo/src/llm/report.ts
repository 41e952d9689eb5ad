import type { AnalyticsReader, CostReport, ModelStats, TrendPoint } from '@toolweaver/analytics';
import type { UnpricedModel } from '@toolweaver/analytics-prices';
import { counted } from '../counted.ts';
import type { Played } from './play.ts';

export interface LlmReport {
  readonly runId: string;
  readonly played: Played;
  readonly costs: CostReport;
  readonly models: readonly ModelStats[];
  readonly burnRate: BurnRate;
  readonly unpriced: readonly UnpricedModel[];
  /** The database file, if there is one. */
  readonly db: string | undefined;
}

interface BurnRate {
  /** Known costs divided by the time between the first and the last call; null if that means nothing. */
  readonly usdPerHour: number | null;
  readonly usdPerDay: number | null;
  /** Each UTC hour in which something happened. */
  readonly hours: readonly { readonly from: string; readonly calls: number; readonly costUsd: number | null }[];
}

const hourMs = 3_600_000;
/** The most hours that a reader returns at once. */
const maxHours = 1000;

/** Reads the report of a run from the database. */
export async function readReport(
  reader: AnalyticsReader,
  { runId, played, unpriced, db }: Pick<LlmReport, 'runId' | 'played' | 'unpriced' | 'db'>,
): Promise<LlmReport> {
  const { first = 0, last = 0 } = played;
  const isShort = last - first < maxHours * hourMs;
  const [costs, models, hours] = await Promise.all([
    reader.getCosts({ by: 'model', runId }),
    reader.compareModels({ runId }),
    isShort ? reader.getTrend({ bucket: 'hour', runId, from: first, to: last + 1 }) : [],
  ]);
  return { runId, played, costs, models, burnRate: burnRateOf(costs, hours, last - first), unpriced, db };
}

function burnRateOf({ totalCostUsd }: CostReport, hours: readonly TrendPoint[], ms: number): BurnRate {
  const usdPerHour = totalCostUsd === null || ms <= 0 ? null : (totalCostUsd * hourMs) / ms;
  return {
    usdPerHour,
    usdPerDay: usdPerHour === null ? null : usdPerHour * 24,
    hours: hours
      .filter(({ executions }) => executions > 0)
      .map(({ from, executions, totalCostUsd: costUsd }) => ({
        from: new Date(from).toISOString(),
        calls: executions,
        costUsd,
      })),
  };
}

/** Returns the object that `--json` prints. */
export function toJson({ runId, played, costs, models, burnRate, unpriced, db }: LlmReport): object {
  const sum = (tokens: 'inputTokens' | 'outputTokens'): number => models.reduce((all, model) => all + model[tokens], 0);
  return {
    calls: costs.executions,
    skipped: played.skipped,
    tokens: { input: sum('inputTokens'), output: sum('outputTokens'), total: costs.totalTokens },
    costUsd: costs.totalCostUsd,
    pricedCalls: costs.pricedExecutions,
    models: models.map(({ model, executions, inputTokens, outputTokens, totalCostUsd, averageCostUsd }) => ({
      model,
      calls: executions,
      inputTokens,
      outputTokens,
      costUsd: totalCostUsd,
      costPerCallUsd: averageCostUsd,
    })),
    burnRate,
    unpriced,
    run: runId,
    db: db ?? null,
  };
}

/** Returns the report as text. */
export function toText({ played, costs, models, burnRate, unpriced, db }: LlmReport): string {
  const { first, last, skipped } = played;
  const width = Math.max(5, ...models.map(({ model }) => model.length));
  const row = (...[name = '', calls = '', input = '', output = '', cost = '', perCall = '']: string[]): string =>
    `  ${name.padEnd(width)} ${calls.padStart(8)} ${input.padStart(12)} ${output.padStart(12)} ${cost.padStart(12)} ${perCall.padStart(12)}`;
  const highest = models.reduce((most, { averageCostUsd }) => Math.max(most, averageCostUsd ?? 0), 0);
  return [
    'What it cost',
    `  Calls            ${costs.executions}${skipped.length > 0 ? `, and ${counted(skipped.length, 'line')} skipped` : ''}`,
    `  Time             ${first === undefined ? 'none' : `${iso(first)} to ${iso(last ?? first)}`}`,
    `  Tokens           ${costs.totalTokens}`,
    `  Cost             ${usd(costs.totalCostUsd)}, known of ${counted(costs.pricedExecutions, 'call')}`,
    `  Burn rate        ${usd(burnRate.usdPerHour)} an hour, ${usd(burnRate.usdPerDay)} a day`,
    '',
    'The models',
    row('model', 'calls', 'tokens in', 'tokens out', 'cost', 'per call'),
    ...models.map(({ model, executions, inputTokens, outputTokens, totalCostUsd, averageCostUsd }) =>
      row(model, ...[executions, inputTokens, outputTokens].map(String), usd(totalCostUsd), usd(averageCostUsd)),
    ),
    ...models
      .filter(({ averageCostUsd }) => averageCostUsd !== null && averageCostUsd > 0 && averageCostUsd < highest)
      .map(
        ({ model, averageCostUsd }) =>
          `  A call of ${model} costs ${((100 * (averageCostUsd ?? 0)) / highest).toFixed(1)} % of the most expensive one.`,
      ),
    '',
    ...(unpriced.length === 0
      ? []
      : [
          'Not in these sums',
          ...unpriced.map(({ model, calls, reason }) => `  ${counted(calls, 'call')} of ${model}: ${reason}`),
          '',
        ]),
    'By the hour (UTC)',
    ...burnRate.hours.map(
      ({ from, calls, costUsd }) => `  ${from.slice(0, 16)}  ${String(calls).padStart(8)} calls  ${usd(costUsd)}`,
    ),
    '',
    `Database: ${db ?? 'in memory'}`,
    '',
  ].join('\n');
}

function iso(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

function usd(value: number | null): string {
  return value === null ? 'unknown' : `$${value.toFixed(value !== 0 && Math.abs(value) < 1 ? 6 : 2)}`;
}
