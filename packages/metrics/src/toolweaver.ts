import type { AnalyticsEvent, EventFields, ExecutionEvent, Usage } from '@toolweaver/analytics-core';
import { catalogue, type MetricKey } from './catalogue.ts';
import {
  type Family,
  type HistogramFamily,
  type NewHistograms,
  type NumberFamily,
  numberFamily,
  type Observed,
} from './family.ts';
import { createLabelSets, type LabelSets } from './label-sets.ts';
import { type ResolvedMetricsOptions, toMetric } from './options.ts';
import type { Recorder } from './recorder.ts';
import type { NumberSeries } from './series.ts';

const msPerSecond = 1000;
const nanosPerUnit = 1e9;
const none: readonly string[] = [];

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

/**
 * What the executions of a label set are also counted in, as it was found the last time: to find it again costs as much as to find
 * the label set. Those of the overflow are anybody's, and remember nothing.
 */
interface Related {
  readonly isOverflow: boolean;
  name: string;
  model: string;
  cost: MoneySeries | undefined;
  tokens: TokenSeries | undefined;
}

type TokenSeries = readonly { readonly field: keyof Usage; readonly series: NumberSeries }[];

/** Money is added up in whole nano-dollars; `value`, in dollars, follows when it is asked for. */
interface MoneySeries extends NumberSeries {
  nanoUsd: number;
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
    return labels.slice(0, own).concat(last, labels.slice(own));
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

  // Part of what a label set is found by, and not an object of its own: among ten thousand each further one is a miss of the cache.
  const related = (isOverflow: boolean): Related => ({
    isOverflow,
    name: '',
    model: '',
    cost: undefined,
    tokens: undefined,
  });

  const skills = labelSets(skillExecutions, 1, (labels, isOverflow) => ({
    ...related(isOverflow),
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
  // The label of fewer values goes first: else each tool would have a map of its own for the one toolkit that it is in.
  const tools = labelSets(toolExecutions, 2, (path, isOverflow) => {
    const labels = swapped(path, 0);
    return {
      ...related(isOverflow),
      ...outcomes(toolExecutions, labels, isOverflow),
      duration: toolDuration.add(labels, isOverflow),
      toolCost: undefined as MoneySeries | undefined,
    };
  });
  const errors = labelSets(toolErrors, 1, toolErrors.add);
  const spent: MoneySeries[] = [];
  const money = (family: NumberFamily, swapAt: number) =>
    labelSets(family, 1, (path, isOverflow): MoneySeries => {
      const series = Object.assign(family.add(swapped(path, swapAt), isOverflow), { nanoUsd: 0 });
      spent.push(series);
      return series;
    });
  const toolCosts = money(toolCost, 0);
  const costs = money(cost, 1);
  const caches = labelSets(cacheRequests, 2, (labels, isOverflow) =>
    outcomes(cacheRequests, labels, isOverflow, ['hit', 'miss']),
  );
  const toolkits = labelSets(toolkitEvents, 2, (labels, isOverflow) => outcomes(toolkitEvents, labels, isOverflow));
  const calls = labelSets(llmCalls, 2, (labels, isOverflow) => timed(llmCalls, llmDuration, labels, isOverflow));
  const others = labelSets(requests, 2, (labels, isOverflow) => timed(requests, requestDuration, labels, isOverflow));
  const tokens = labelSets(
    tokenUsage,
    Object.keys(tokenTypes).length,
    (labels, isOverflow): TokenSeries =>
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
  ): Related & { count(event: ExecutionEvent): void } {
    const counted = outcomes(counts, labels, isOverflow);
    const observed: { success?: Observed; failure?: Observed } = {};
    return {
      ...related(isOverflow),
      count({ success, latencyMs, weight = 1 }) {
        const status = success ? 'success' : 'failure';
        counted[status].value += weight;
        if (latencyMs !== undefined) {
          observed[status] ??= durations.add(withLast(labels, status), isOverflow);
          durations.observe(observed[status], latencyMs / msPerSecond, weight);
        }
      },
    };
  }

  /** The values of the optional labels. */
  const optionalOf =
    optionalLabels.length === 0
      ? () => none
      : (event: EventFields): readonly string[] =>
          optionalLabels.map((label) => (label === 'org_id' ? event.orgId : event.userId) ?? '');

  function recordExecution(event: ExecutionEvent): void {
    const { kind, name, weight = 1 } = event;
    const optional = optionalOf(event);
    const known = countExecution(event, optional);
    if (event.cacheHit !== undefined) {
      const cache = caches.at([kind, name], optional);
      (event.cacheHit ? cache.success : cache.failure).value += weight;
    }
    if (event.usage === undefined && event.cost === undefined) {
      return;
    }
    const { model = '' } = event;
    if (known.name !== name || known.model !== model) {
      known.name = name;
      known.model = model;
      known.cost = undefined;
      known.tokens = undefined;
    }
    if (event.usage !== undefined) {
      const found = known.tokens ?? tokens.at([model], optional);
      if (!known.isOverflow && !tokens.isOverflow(found)) {
        known.tokens = found;
      }
      for (const { field, series } of found) {
        series.value += event.usage[field] * weight;
      }
    }
    if (event.cost !== undefined) {
      const found = known.cost ?? costs.at([kind, model, name], optional);
      if (!known.isOverflow && !costs.isOverflow(found)) {
        known.cost = found;
      }
      found.nanoUsd += event.cost.nanoUsd * weight;
    }
  }

  function countExecution(event: ExecutionEvent, optional: readonly string[]): Related {
    const { kind, name, success, latencyMs, weight = 1 } = event;
    switch (kind) {
      case 'skill': {
        const skill = skills.at([name], optional);
        skill.executions.value += weight;
        (success ? skill.successes : skill.failures).value += weight;
        if (latencyMs !== undefined) {
          skillLatency.observe(skill.latency, latencyMs, weight);
        }
        return skill;
      }
      case 'tool':
        return countTool(event, optional);
      case 'llm': {
        const call = calls.at([event.model ?? '', event.provider ?? ''], optional);
        call.count(event);
        return call;
      }
      default: {
        const other = others.at([kind, name], optional);
        other.count(event);
        return other;
      }
    }
  }

  function countTool(event: ExecutionEvent, optional: readonly string[]): Related {
    const { name, toolkit = '', success, latencyMs, error, weight = 1 } = event;
    const tool = tools.at([toolkit, name], optional);
    (success ? tool.success : tool.failure).value += weight;
    if (latencyMs !== undefined) {
      toolDuration.observe(tool.duration, latencyMs / msPerSecond, weight);
    }
    if (!success) {
      errors.at([name, toolkit, error?.type ?? 'unknown'], optional).value += weight;
    }
    if (event.cost !== undefined) {
      const found = tool.toolCost ?? toolCosts.at([toolkit, name], optional);
      if (!tool.isOverflow && !toolCosts.isOverflow(found)) {
        tool.toolCost = found;
      }
      found.nanoUsd += event.cost.nanoUsd * weight;
    }
    return tool;
  }

  return {
    families,
    refresh() {
      for (const series of spent) {
        series.value = series.nanoUsd / nanosPerUnit;
      }
    },
    record(event: AnalyticsEvent) {
      switch (event.type) {
        case 'execution':
          recordExecution(event);
          break;
        case 'rating':
          skillRating.observe(ratings.at([event.skillId], optionalOf(event)), event.rating, 1);
          break;
        case 'health': {
          // Of all that share the overflow series none is the latest of any skill; still, it shows no older one.
          const health = healthScores.at([event.skillId], optionalOf(event));
          if (event.at >= health.at) {
            health.at = event.at;
            health.series.value = event.score;
          }
          break;
        }
        case 'toolkit': {
          const toolkit = toolkits.at([event.toolkit, event.operation], optionalOf(event));
          (event.success ? toolkit.success : toolkit.failure).value += 1;
          break;
        }
        default:
        // The user's own numbers, runs and artifacts belong to one run: no labels could tell them apart.
      }
    },
  };
}

/** With the one at this place and the one behind it changed over. */
function swapped(labels: readonly string[], at: number): string[] {
  return labels.with(at, labels[at + 1] as string).with(at + 1, labels[at] as string);
}
