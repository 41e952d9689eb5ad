import type { AnalyticsEvent, ExecutionEvent, HealthEvent, RatingEvent, Usage } from '@toolweaver/analytics-core';
import { catalogue, type MetricKey } from './catalogue.ts';
import { createNumbers, type Family, type Histograms, type NewHistograms, type Numbers } from './family.ts';
import { createLabelSets, type LabelSets } from './label-sets.ts';
import { type ResolvedMetricsOptions, toMetric } from './options.ts';
import type { Texts } from './paths.ts';
import type { Recorder } from './recorder.ts';
import type { LabelSet } from './series.ts';
import { createSurroundings, type Surroundings } from './surroundings.ts';
import { createTable, type Table } from './table.ts';

const msPerSecond = 1000;
/** Money is added up in whole nano-dollars. */
const nanosPerUsd = 1e9;

const tokenTypes: readonly (readonly [type: string, field: keyof Usage])[] = [
  ['input', 'inputTokens'],
  ['cache_read', 'cacheReadTokens'],
  ['cache_write', 'cacheWriteTokens'],
  ['output', 'outputTokens'],
  ['reasoning', 'reasoningTokens'],
];

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
  const families = new Map<MetricKey, Family>();
  const texts: Texts = new Map();
  const surroundings = createSurroundings(optionalLabels);

  function numbers(key: MetricKey, table: Table, unit?: number): Numbers {
    const made = createNumbers(toMetric(catalogue[key], options), table, unit);
    families.set(key, made.family);
    return made;
  }

  function histograms(key: MetricKey, table: Table): Histograms {
    const metric = toMetric(catalogue[key], options);
    // Stars are what their buckets say.
    const made = key === 'skillRating' ? newHistograms(metric, table, 'explicit') : newHistograms(metric, table);
    if (made.family !== undefined) {
      families.set(key, made.family);
    }
    return made;
  }

  /** `seriesEach`: how many series of the metric, whose limit it is, one label set makes. */
  function rows(
    table: Table,
    key: MetricKey,
    seriesEach: number,
    show: (labelSet: LabelSet, row: number) => void,
    order?: readonly number[],
  ): LabelSets {
    const { name } = toMetric(catalogue[key], options);
    return createLabelSets({
      texts,
      surroundings,
      order,
      limit: Math.max(1, Math.floor(maxLabelSets / seriesEach)),
      make(labelSet) {
        const row = table.addRow();
        show(labelSet, row);
        return row;
      },
      onOverflow: () => onOverflow(name),
    });
  }

  /** The optional labels come last, so the given one is put before them. */
  function withLast({ labels, isOverflow }: LabelSet, last: string): LabelSet {
    const own = labels.length - optionalLabels.length;
    return { labels: [...labels.slice(0, own), last, ...labels.slice(own)], isOverflow };
  }

  /** Counts the outcomes of what its labels say; both are there from the start, so that a rate sees the first failure. */
  function outcomes(key: MetricKey, [good, bad]: readonly [string, string]) {
    const table = createTable();
    const counts = numbers(key, table);
    const [success, failure] = [table.columns(1), table.columns(1)];
    const found = rows(table, key, 2, (labelSet, row) => {
      counts.show(withLast(labelSet, good), row + success);
      counts.show(withLast(labelSet, bad), row + failure);
    });
    return (around: Surroundings, isGood: boolean, weight: number, first: string, second: string): void =>
      add(table, found.at(around, first, second) + (isGood ? success : failure), weight);
  }

  /** Counts and times by outcome. */
  function timed(countKey: MetricKey, durationKey: MetricKey) {
    const table = createTable();
    const counts = numbers(countKey, table);
    const durations = histograms(durationKey, table);
    const [success, failure] = [table.columns(1), table.columns(1)];
    const [successTime, failureTime] = [table.columns(durations.width), table.columns(durations.width)];
    const found = rows(table, countKey, 2, (labelSet, row) => {
      const [good, bad] = [withLast(labelSet, 'success'), withLast(labelSet, 'failure')];
      counts.show(good, row + success);
      counts.show(bad, row + failure);
      durations.show(good, row + successTime);
      durations.show(bad, row + failureTime);
    });
    return (around: Surroundings, event: ExecutionEvent, first: string, second: string): void => {
      const { success: isGood, latencyMs, weight = 1 } = event;
      const row = found.at(around, first, second);
      add(table, row + (isGood ? success : failure), weight);
      if (latencyMs !== undefined) {
        durations.observe(row + (isGood ? successTime : failureTime), latencyMs / msPerSecond, weight);
      }
    };
  }

  /** Counts or adds up what its labels say. */
  function single(
    key: MetricKey,
    { unit, order }: { readonly unit?: number; readonly order?: readonly number[] } = {},
  ) {
    const table = createTable();
    const sums = numbers(key, table, unit);
    const sum = table.columns(1);
    const found = rows(table, key, 1, (labelSet, row) => sums.show(labelSet, row + sum), order);
    return (around: Surroundings, amount: number, first: string, second: string, third: string): void =>
      add(table, found.at(around, first, second, third) + sum, amount);
  }

  function skills() {
    const table = createTable();
    const [executions, successes, failures] = [table.columns(1), table.columns(1), table.columns(1)];
    const counts = [
      [numbers('skillExecutions', table), executions],
      [numbers('skillSuccesses', table), successes],
      [numbers('skillFailures', table), failures],
    ] as const;
    const latency = histograms('skillLatency', table);
    const latencies = table.columns(latency.width);
    const found = rows(table, 'skillExecutions', 1, (labelSet, row) => {
      for (const [shown, column] of counts) {
        shown.show(labelSet, row + column);
      }
      latency.show(labelSet, row + latencies);
    });
    return ({ name, success, latencyMs, weight = 1 }: ExecutionEvent, around: Surroundings): void => {
      const row = found.at(around, name);
      add(table, row + executions, weight);
      add(table, row + (success ? successes : failures), weight);
      if (latencyMs !== undefined) {
        latency.observe(row + latencies, latencyMs, weight);
      }
    };
  }

  function tools() {
    const table = createTable();
    const counts = numbers('toolExecutions', table);
    const durations = histograms('toolDuration', table);
    const costs = numbers('toolCost', table, nanosPerUsd);
    const [success, failure, cost] = [table.columns(1), table.columns(1), table.columns(1)];
    const duration = table.columns(durations.width);
    /** What a tool costs that never says so is unknown, and not 0. */
    const unpriced = new Map<number, LabelSet>();
    const found = rows(
      table,
      'toolExecutions',
      2,
      (labelSet, row) => {
        counts.show(withLast(labelSet, 'success'), row + success);
        counts.show(withLast(labelSet, 'failure'), row + failure);
        durations.show(labelSet, row + duration);
        unpriced.set(row, labelSet);
      },
      [1, 0],
    );
    const countError = single('toolErrors');
    return (event: ExecutionEvent, around: Surroundings): void => {
      const { name, toolkit = '', success: isGood, latencyMs, error, weight = 1 } = event;
      const row = found.at(around, toolkit, name);
      add(table, row + (isGood ? success : failure), weight);
      if (latencyMs !== undefined) {
        durations.observe(row + duration, latencyMs / msPerSecond, weight);
      }
      if (!isGood) {
        countError(around, weight, name, toolkit, error?.type ?? 'unknown');
      }
      if (event.cost !== undefined) {
        const labelSet = unpriced.get(row);
        if (labelSet !== undefined) {
          unpriced.delete(row);
          costs.show(labelSet, row + cost);
        }
        add(table, row + cost, event.cost.nanoUsd * weight);
      }
    };
  }

  function tokens() {
    const table = createTable();
    const sums = numbers('tokenUsage', table);
    const columns = tokenTypes.map(([type, field]) => ({ type, field, column: table.columns(1) }));
    const found = rows(table, 'tokenUsage', columns.length, (labelSet, row) => {
      for (const { type, column } of columns) {
        sums.show(withLast(labelSet, type), row + column);
      }
    });
    return (model: string, usage: Usage, around: Surroundings, weight: number): void => {
      const row = found.at(around, model);
      for (const { field, column } of columns) {
        add(table, row + column, usage[field] * weight);
      }
    };
  }

  function ratings() {
    const table = createTable();
    const stars = histograms('skillRating', table);
    const place = table.columns(stars.width);
    const found = rows(table, 'skillRating', 1, (labelSet, row) => stars.show(labelSet, row + place));
    return ({ skillId, rating }: RatingEvent, around: Surroundings): void =>
      stars.observe(found.at(around, skillId) + place, rating, 1);
  }

  function healthScores() {
    const table = createTable();
    const scores = numbers('skillHealthScore', table);
    const [score, latest] = [table.columns(1), table.columns(1)];
    const found = rows(table, 'skillHealthScore', 1, (labelSet, row) => scores.show(labelSet, row + score));
    return (event: HealthEvent, around: Surroundings): void => {
      // Of all that share the overflow series none is the latest of any skill; still, it shows no older one.
      const row = found.at(around, event.skillId);
      const { values } = table;
      if (event.at >= (values[row + latest] as number)) {
        values[row + latest] = event.at;
        values[row + score] = event.score;
      }
    };
  }

  const countSkill = skills();
  const countTool = tools();
  const countCall = timed('llmCalls', 'llmDuration');
  const countOther = timed('requests', 'requestDuration');
  const countCache = outcomes('cacheRequests', ['hit', 'miss']);
  const countToolkit = outcomes('toolkitEvents', ['success', 'failure']);
  const addTokens = tokens();
  const addCost = single('cost', { unit: nanosPerUsd, order: [0, 2, 1] });
  const rate = ratings();
  const setHealth = healthScores();

  function recordExecution(event: ExecutionEvent, around: Surroundings): void {
    const { kind, name, model = '', provider = '', cacheHit, usage, cost, weight = 1 } = event;
    switch (kind) {
      case 'skill':
        countSkill(event, around);
        break;
      case 'tool':
        countTool(event, around);
        break;
      case 'llm':
        countCall(around, event, model, provider);
        break;
      default:
        countOther(around, event, kind, name);
    }
    if (cacheHit !== undefined) {
      countCache(around, cacheHit, weight, kind, name);
    }
    if (usage !== undefined) {
      addTokens(model, usage, around, weight);
    }
    if (cost !== undefined) {
      addCost(around, cost.nanoUsd * weight, kind, model, name);
    }
  }

  return {
    families: (Object.keys(catalogue) as MetricKey[]).flatMap((key) => families.get(key) ?? []),
    record(event: AnalyticsEvent) {
      const around = surroundings.at(event);
      switch (event.type) {
        case 'execution':
          recordExecution(event, around);
          break;
        case 'rating':
          rate(event, around);
          break;
        case 'health':
          setHealth(event, around);
          break;
        case 'toolkit':
          countToolkit(around, event.success, 1, event.toolkit, event.operation);
          break;
        default:
        // The user's own numbers, runs and artifacts belong to one run: no labels could tell them apart.
      }
    },
  };
}

function add({ values }: Table, place: number, amount: number): void {
  values[place] = (values[place] as number) + amount;
}
