import type { AnalyticsEvent, Backend, ExecutionEvent } from '@toolweaver/analytics-core';
import { checkOptions, type OptionNames, totalTokens } from '@toolweaver/analytics-core/backend';
import type { Figures, Sums } from './figures.ts';
import { type Views, viewsOf } from './views.ts';

/** How much a collector keeps, and its backend's name. The numbers must be whole and >= 1. */
export interface CollectorOptions {
  /** How many operations (a kind and a name) are counted separately; all others are counted together. Default: 1000. */
  readonly maxOperations?: number | undefined;
  /** How many of the latest failures are kept. Default: 100. */
  readonly maxErrors?: number | undefined;
  /** Of its backend. Default: `collector`. */
  readonly name?: string | undefined;
}

const optionNames: OptionNames<CollectorOptions> = { maxOperations: true, maxErrors: true, name: true };

/** A failed execution. `type` is `unknown` if it came without an error, `message` undefined if none was kept. */
export interface RecentError {
  /** Unix time in ms. */
  readonly at: number;
  readonly kind: ExecutionEvent['kind'];
  readonly name: string;
  readonly type: string;
  readonly message: string | undefined;
}

/** What was recorded in this process since the collector was created or cleared, in bounded memory. */
export interface Collector extends Views {
  /** Gets what is recorded, as one of the `backends` of the client. */
  readonly backend: Backend;
  /** Newest first. */
  recentErrors(): readonly RecentError[];
  /** Forgets all executions and failures: counting starts anew. */
  clear(): void;
}

interface Counts {
  readonly kind: ExecutionEvent['kind'] | null;
  readonly name: string;
  calls: number;
  failures: number;
  pricedCalls: number;
  nanoUsd: number;
  tokens: number;
  timedCalls: number;
  durationMs: number;
}

/** The name of all operations beyond `maxOperations` together. */
const others = '(other operations)';

/**
 * Counts executions as they are recorded, for programs without a store.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function createCollector(options: CollectorOptions = {}): Collector {
  const { maxOperations, maxErrors, name } = checkOptions(options, optionNames, (check, given) => ({
    maxOperations: check.number('maxOperations', given.maxOperations, { min: 1, whole: true }) ?? 1000,
    maxErrors: check.number('maxErrors', given.maxErrors, { min: 1, whole: true }) ?? 100,
    name: check.text('name', given.name) ?? 'collector',
  }));
  const operations = new Map<string, Counts>();
  let errors: RecentError[] = [];

  function countsOf(kind: ExecutionEvent['kind'], name: string): Counts {
    const key = `${kind} ${name}`;
    const known = operations.get(key);
    if (known !== undefined) {
      return known;
    }
    const isOwn = operations.size < maxOperations;
    const made = isOwn ? newCounts(kind, name) : (operations.get(others) ?? newCounts(null, others));
    operations.set(isOwn ? key : others, made);
    return made;
  }

  function count(event: AnalyticsEvent): void {
    if (event.type !== 'execution') {
      return;
    }
    const { kind, name, weight = 1, success, cost, usage, latencyMs, error, at } = event;
    const counts = countsOf(kind, name);
    counts.calls += weight;
    if (!success) {
      counts.failures += weight;
      errors.push({ at, kind, name, type: error?.type ?? 'unknown', message: error?.message });
      // Cut only now and then, as this copies all that are kept.
      errors = errors.length >= 2 * maxErrors ? errors.slice(errors.length - maxErrors) : errors;
    }
    if (cost !== undefined) {
      counts.pricedCalls += weight;
      counts.nanoUsd += weight * cost.nanoUsd;
    }
    if (usage !== undefined) {
      counts.tokens += weight * totalTokens(usage);
    }
    if (latencyMs !== undefined) {
      counts.timedCalls += weight;
      counts.durationMs += weight * latencyMs;
    }
  }

  function figures(): Figures {
    const all = [...operations.values()];
    const total = newCounts(null, others);
    for (const one of all) {
      for (const field of [
        'calls',
        'failures',
        'pricedCalls',
        'nanoUsd',
        'tokens',
        'timedCalls',
        'durationMs',
      ] as const) {
        total[field] += one[field];
      }
    }
    return {
      ...toSums(total),
      totalTokens: total.tokens,
      averageDurationMs: total.timedCalls === 0 ? null : total.durationMs / total.timedCalls,
      operations: all.map((one) => ({ kind: one.kind, name: one.name, ...toSums(one) })),
    };
  }

  return {
    backend: {
      name,
      delivery: 'immediate',
      settings: { maxOperations, maxErrors },
      write: (events) => events.forEach(count),
    },
    summary: () => viewsOf(figures()).summary(),
    costByOperation: () => viewsOf(figures()).costByOperation(),
    mostExpensive: (n) => viewsOf(figures()).mostExpensive(n),
    errorRate: (operation) => viewsOf(figures()).errorRate(operation),
    report: () => viewsOf(figures()).report(),
    recentErrors: () => errors.slice(-maxErrors).reverse(),
    clear() {
      operations.clear();
      errors = [];
    },
  };
}

function newCounts(kind: Counts['kind'], name: string): Counts {
  return { kind, name, calls: 0, failures: 0, pricedCalls: 0, nanoUsd: 0, tokens: 0, timedCalls: 0, durationMs: 0 };
}

function toSums({ calls, failures, pricedCalls, nanoUsd }: Counts): Sums {
  return { calls, failures, pricedCalls, totalCostUsd: pricedCalls === 0 ? null : nanoUsd / 1e9 };
}
