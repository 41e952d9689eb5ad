import type { AnalyticsEvent, EventFields, ExecutionEvent, Usage } from '@toolweaver/analytics-core';
import { catalogue, type MetricKey } from './catalogue.ts';
import {
  type Family,
  type Histogram,
  type HistogramFamily,
  type NewHistograms,
  type NumberFamily,
  numberFamily,
} from './family.ts';
import { createLabelSets, type LabelSets } from './label-sets.ts';
import { type ResolvedMetricsOptions, toMetric } from './options.ts';
import type { Recorder } from './recorder.ts';
import type { NumberSeries } from './series.ts';

const msPerSecond = 1000;
const nanosPerUnit = 1e9;

const tokenTypes: Readonly<Record<string, keyof Usage>> = {
  input: 'inputTokens',
  cache_read: 'cacheReadTokens',
  cache_write: 'cacheWriteTokens',
  output: 'outputTokens',
  reasoning: 'reasoningTokens',
};

/** Series that differ in their last own label: `status` or `result`. Both are there from the start, so that a rate sees the first failure. */
interface Outcomes {
  readonly success: NumberSeries;
  readonly failure: NumberSeries;
}

/** Money is added up in whole nano-dollars, and shown in dollars. */
interface Money {
  nanoUsd: number;
  readonly series: NumberSeries;
}

/**
 * Keeps the metrics of our own catalogue that are made of events. `onOverflow` is told the name of a metric whose label sets came
 * after the limit.
 */
export function toolweaverRecorder(
  options: ResolvedMetricsOptions,
  newHistograms: NewHistograms,
  onOverflow: (metric: string) => void,
): Recorder {
  const { labels: optionalLabels, maxLabelSets } = options;
  const families: Family[] = [];
  const numbers = (key: MetricKey): NumberFamily => added(numberFamily(toMetric(catalogue[key], options)));
  const histograms = (key: MetricKey): HistogramFamily => {
    const metric = toMetric(catalogue[key], options);
    // Stars are what their buckets say.
    return added(key === 'skillRating' ? newHistograms(metric, 'explicit') : newHistograms(metric));
  };
  function added<F extends Family>(family: F): F {
    families.push(family);
    return family;
  }

  const skillExecutions = numbers('skillExecutions');
  const skillSuccesses = numbers('skillSuccesses');
  const skillFailures = numbers('skillFailures');
  const skillLatency = histograms('skillLatency');
  const skillRating = histograms('skillRating');
  const skillHealthScore = numbers('skillHealthScore');
  const toolExecutions = numbers('toolExecutions');
  const toolErrors = numbers('toolErrors');
  const toolDuration = histograms('toolDuration');
  const toolCost = numbers('toolCost');
  const cacheRequests = numbers('cacheRequests');
  const toolkitEvents = numbers('toolkitEvents');
  const llmCalls = numbers('llmCalls');
  const llmDuration = histograms('llmDuration');
  const tokenUsage = numbers('tokenUsage');
  const cost = numbers('cost');
  const requests = numbers('requests');
  const requestDuration = histograms('requestDuration');

  /** `seriesEach`: how many series of `family`, whose limit it is, one label set makes. */
  function labelSets<C>(
    family: Family,
    seriesEach: number,
    make: (labels: readonly string[], isOverflow: boolean) => C,
  ): LabelSets<C> {
    const limit = Math.max(1, Math.floor(maxLabelSets / seriesEach));
    return createLabelSets(limit, make, () => onOverflow(family.metric.name));
  }

  /** The optional labels come last, so the given one is put before them. */
  function withLast(labels: readonly string[], last: string): string[] {
    const own = labels.length - optionalLabels.length;
    return [...labels.slice(0, own), last, ...labels.slice(own)];
  }

  function outcomes(
    family: NumberFamily,
    labels: readonly string[],
    isOverflow: boolean,
    [success, failure]: readonly [string, string] = ['success', 'failure'],
  ): Outcomes {
    return {
      success: family.add(withLast(labels, success), isOverflow),
      failure: family.add(withLast(labels, failure), isOverflow),
    };
  }

  const skills = labelSets(skillExecutions, 1, (labels, isOverflow) => ({
    executions: skillExecutions.add(labels, isOverflow),
    successes: skillSuccesses.add(labels, isOverflow),
    failures: skillFailures.add(labels, isOverflow),
    latency: skillLatency.add(labels, isOverflow),
  }));
  const ratings = labelSets(skillRating, 1, skillRating.add);
  const healthScores = labelSets(skillHealthScore, 1, (labels, isOverflow) => ({
    at: 0,
    series: skillHealthScore.add(labels, isOverflow),
  }));
  const tools = labelSets(toolExecutions, 2, (labels, isOverflow) => ({
    executions: outcomes(toolExecutions, labels, isOverflow),
    duration: toolDuration.add(labels, isOverflow),
  }));
  const errors = labelSets(toolErrors, 1, toolErrors.add);
  const money = (family: NumberFamily) =>
    labelSets(family, 1, (labels, isOverflow): Money => ({ nanoUsd: 0, series: family.add(labels, isOverflow) }));
  const toolCosts = money(toolCost);
  const costs = money(cost);
  const caches = labelSets(cacheRequests, 2, (labels, isOverflow) =>
    outcomes(cacheRequests, labels, isOverflow, ['hit', 'miss']),
  );
  const toolkits = labelSets(toolkitEvents, 2, (labels, isOverflow) => outcomes(toolkitEvents, labels, isOverflow));
  const calls = labelSets(llmCalls, 2, (labels, isOverflow) => timed(llmCalls, llmDuration, labels, isOverflow));
  const others = labelSets(requests, 2, (labels, isOverflow) => timed(requests, requestDuration, labels, isOverflow));
  const tokens = labelSets(tokenUsage, Object.keys(tokenTypes).length, (labels, isOverflow) =>
    Object.entries(tokenTypes).map(([type, field]) => ({
      field,
      series: tokenUsage.add(withLast(labels, type), isOverflow),
    })),
  );

  /** Counts by outcome, and durations by outcome where there are any. */
  function timed(
    counts: NumberFamily,
    durations: HistogramFamily,
    labels: readonly string[],
    isOverflow: boolean,
  ): { count(event: ExecutionEvent): void } {
    const counted = outcomes(counts, labels, isOverflow);
    const observed: { success?: Histogram; failure?: Histogram } = {};
    return {
      count({ success, latencyMs, weight = 1 }) {
        const status = success ? 'success' : 'failure';
        counted[status].value += weight;
        if (latencyMs !== undefined) {
          observed[status] ??= durations.add(withLast(labels, status), isOverflow);
          observed[status].observe(latencyMs / msPerSecond, weight);
        }
      },
    };
  }

  /** The values of a metric's own labels with those of the optional ones. */
  function labelsOf(event: EventFields, own: string[]): string[] {
    for (const label of optionalLabels) {
      own.push((label === 'org_id' ? event.orgId : event.userId) ?? '');
    }
    return own;
  }

  function recordExecution(event: ExecutionEvent): void {
    const { kind, name, success, latencyMs, weight = 1 } = event;
    switch (kind) {
      case 'skill': {
        const skill = skills.at(labelsOf(event, [name]));
        skill.executions.value += weight;
        (success ? skill.successes : skill.failures).value += weight;
        if (latencyMs !== undefined) {
          skill.latency.observe(latencyMs, weight);
        }
        break;
      }
      case 'tool':
        recordTool(event);
        break;
      case 'llm':
        calls.at(labelsOf(event, [event.model ?? '', event.provider ?? ''])).count(event);
        break;
      default:
        others.at(labelsOf(event, [kind, name])).count(event);
    }
    if (event.cacheHit !== undefined) {
      const cache = caches.at(labelsOf(event, [kind, name]));
      (event.cacheHit ? cache.success : cache.failure).value += weight;
    }
    if (event.usage !== undefined) {
      for (const { field, series } of tokens.at(labelsOf(event, [event.model ?? '']))) {
        series.value += event.usage[field] * weight;
      }
    }
    if (event.cost !== undefined) {
      spend(costs.at(labelsOf(event, [kind, name, event.model ?? ''])), event.cost.nanoUsd * weight);
    }
  }

  function recordTool(event: ExecutionEvent): void {
    const { name, toolkit = '', success, latencyMs, error, weight = 1 } = event;
    const tool = tools.at(labelsOf(event, [name, toolkit]));
    (success ? tool.executions.success : tool.executions.failure).value += weight;
    if (latencyMs !== undefined) {
      tool.duration.observe(latencyMs / msPerSecond, weight);
    }
    if (!success) {
      errors.at(labelsOf(event, [name, toolkit, error?.type ?? 'unknown'])).value += weight;
    }
    if (event.cost !== undefined) {
      spend(toolCosts.at(labelsOf(event, [name, toolkit])), event.cost.nanoUsd * weight);
    }
  }

  return {
    families,
    record(event: AnalyticsEvent) {
      switch (event.type) {
        case 'execution':
          recordExecution(event);
          break;
        case 'rating':
          ratings.at(labelsOf(event, [event.skillId])).observe(event.rating, 1);
          break;
        case 'health': {
          // Of all that share the overflow series none is the latest of any skill; still, it shows no older one.
          const health = healthScores.at(labelsOf(event, [event.skillId]));
          if (event.at >= health.at) {
            health.at = event.at;
            health.series.value = event.score;
          }
          break;
        }
        case 'toolkit': {
          const toolkit = toolkits.at(labelsOf(event, [event.toolkit, event.operation]));
          (event.success ? toolkit.success : toolkit.failure).value += 1;
          break;
        }
        default:
        // The user's own numbers, runs and artifacts belong to one run: no labels could tell them apart.
      }
    },
  };
}

function spend(money: Money, nanoUsd: number): void {
  money.nanoUsd += nanoUsd;
  money.series.value = money.nanoUsd / nanosPerUnit;
}
