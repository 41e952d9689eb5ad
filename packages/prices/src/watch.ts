import type { AnalyticsEvent, Backend } from '@toolweaver/analytics-core';
import { configError, describeValue, tell, unknownOptions } from '@toolweaver/analytics-core/backend';
import { type Fields, isFields } from './fields.ts';
import { checkFilter, cleanFilter, isMeant, type SpendFilter } from './scope.ts';

/**
 * `cost`: known costs in the window, in US dollars · `spendRate`: the same per hour · `failureRate`: share of failed executions
 * in the window, 0 to 1 · `duration`: of one execution, in ms · `health`: score set for a skill, 0 to 100; crossed downwards.
 */
export type Measure = 'cost' | 'spendRate' | 'failureRate' | 'duration' | 'health';

/** A measure and its limit, checked whenever an event that counts is recorded, and at no other time. */
export interface Threshold {
  readonly measure: Measure;
  /** Crossed by a higher value; for `health`, by a lower one. */
  readonly limit: number;
  /** Which executions count; for `health`, only `name` is used, as the id of the skill. Default: all. */
  readonly filter?: SpendFilter | undefined;
  /** For `cost`, `spendRate` and `failureRate`: length of the window up to now; at least 1000. Default: 300000 (five minutes). */
  readonly windowMs?: number | undefined;
  /** For `failureRate`: with fewer executions in the window, nothing is reported. Default: 20. */
  readonly minExecutions?: number | undefined;
}

/** Which threshold was crossed, by which value, and when. */
export interface Crossing {
  readonly threshold: Threshold;
  /** In the unit of the measure. */
  readonly value: number;
  /** Unix time in ms of the event that crossed it. */
  readonly at: number;
  /** For `duration`, the name of what was executed; for `health`, the id of the skill. */
  readonly name?: string | undefined;
}

/** Which thresholds to watch, and what to call when one is crossed. */
export interface WatchOptions {
  readonly thresholds: readonly Threshold[];
  /**
   * Called when a threshold is crossed, and again only after the value was back within it; for `duration`, for each execution.
   * Runs while the event is recorded, so it should be quick. Whatever it throws or rejects with is ignored.
   */
  readonly onThreshold: (crossing: Crossing) => unknown;
  /** Default: `watch`. */
  readonly name?: string | undefined;
}

const optionNames = { thresholds: true, onThreshold: true, name: true } as const satisfies Record<
  keyof WatchOptions,
  true
>;
const thresholdNames = {
  measure: true,
  limit: true,
  filter: true,
  windowMs: true,
  minExecutions: true,
} as const satisfies Record<keyof Threshold, true>;

/** A window moves in this many steps, so that its memory is constant. */
const steps = 60;
/** The most skills below the limit that are remembered, so that each is reported once; further ones are not reported. */
const maxSkills = 10_000;

/**
 * Returns a backend that reports when what is recorded crosses a threshold. Pass it to the client as one of its `backends`.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function watch(options: WatchOptions): Backend {
  checkOptions(options);
  const { thresholds, onThreshold, name = 'watch' } = options;
  const crossed = (crossing: Crossing): void => tell(onThreshold, crossing);
  const watchers = thresholds.map((threshold) => {
    switch (threshold.measure) {
      case 'duration':
        return watchDurations(threshold, crossed);
      case 'health':
        return watchHealth(threshold, crossed);
      default:
        return watchWindow(threshold, crossed);
    }
  });
  return {
    name,
    delivery: 'immediate',
    settings: { thresholds: thresholds.map(({ measure, limit }) => ({ measure, limit })) },
    write(events) {
      for (const event of events) {
        for (const look of watchers) {
          look(event);
        }
      }
    },
  };
}

type Crossed = (crossing: Crossing) => void;
type Watcher = (event: AnalyticsEvent) => void;

function watchDurations(threshold: Threshold, crossed: Crossed): Watcher {
  const { limit } = threshold;
  const filter = cleanFilter(threshold.filter);
  return (event) => {
    if (isMeant(event, filter) && event.latencyMs !== undefined && event.latencyMs > limit) {
      crossed({ threshold, value: event.latencyMs, at: event.at, name: event.name });
    }
  };
}

function watchHealth(threshold: Threshold, crossed: Crossed): Watcher {
  const { limit } = threshold;
  const filter = cleanFilter(threshold.filter);
  const below = new Set<string>();
  return (event) => {
    if (event.type !== 'health' || (filter.name !== undefined && filter.name !== event.skillId)) {
      return;
    }
    const { skillId, score, at } = event;
    if (score >= limit) {
      below.delete(skillId);
    } else if (!below.has(skillId) && below.size < maxSkills) {
      below.add(skillId);
      crossed({ threshold, value: score, at, name: skillId });
    }
  };
}

interface Step {
  /** The number of the step since the epoch. */
  number: number;
  nanoUsd: number;
  executions: number;
  failures: number;
}

function watchWindow(threshold: Threshold, crossed: Crossed): Watcher {
  const { measure, limit, windowMs = 300_000, minExecutions = 20 } = threshold;
  const filter = cleanFilter(threshold.filter);
  const stepMs = windowMs / steps;
  const ring = Array.from({ length: steps }, (): Step => ({ number: -1, nanoUsd: 0, executions: 0, failures: 0 }));
  let newest = 0;
  let isOver = false;

  /** `isEnough`: whether there are enough executions to raise an alarm. An empty window has the value 0. */
  function measured(): { value: number; isEnough: boolean } {
    let [nanoUsd, executions, failures] = [0, 0, 0];
    for (const step of ring) {
      if (step.number > newest - steps) {
        nanoUsd += step.nanoUsd;
        executions += step.executions;
        failures += step.failures;
      }
    }
    if (measure === 'failureRate') {
      return { value: executions === 0 ? 0 : failures / executions, isEnough: executions >= minExecutions };
    }
    const usd = nanoUsd / 1e9;
    return { value: measure === 'cost' ? usd : usd * (3_600_000 / windowMs), isEnough: true };
  }

  return (event) => {
    if (!isMeant(event, filter)) {
      return;
    }
    const { at, weight = 1, cost, success } = event;
    // Events dated in the future count as now.
    const present = Math.floor(Date.now() / stepMs);
    const number = Math.min(Math.floor(at / stepMs), present);
    if (present <= newest - steps) {
      // The clock was ahead, and has been set back.
      newest = 0;
      for (const step of ring) {
        step.number = -1;
      }
    }
    // The window ends now, so that late or repeated events raise no alarm about the past.
    newest = Math.max(newest, present);
    if (number <= newest - steps) {
      // From before the window.
      return;
    }
    const step = ring[number % steps] as Step;
    if (step.number !== number) {
      Object.assign(step, { number, nanoUsd: 0, executions: 0, failures: 0 });
    }
    // The value may have fallen since the previous event, just because time has passed.
    isOver &&= measured().value > limit;
    step.nanoUsd += weight * (cost?.nanoUsd ?? 0);
    step.executions += weight;
    step.failures += success ? 0 : weight;
    const { value, isEnough } = measured();
    if (value > limit && isEnough && !isOver) {
      isOver = true;
      crossed({ threshold, value, at });
    }
  };
}

const measures: readonly Measure[] = ['cost', 'spendRate', 'failureRate', 'duration', 'health'];

function checkOptions(options: unknown): void {
  const problems = unknownOptions(options, optionNames);
  const wrong = (field: string, message: string): void => void problems.push({ field, message });
  const { thresholds, onThreshold, name = 'watch' } = Object(options) as Fields;
  if (typeof onThreshold !== 'function') {
    wrong('onThreshold', `must be a function, got ${describeValue(onThreshold)}`);
  }
  if (typeof name !== 'string' || name.trim() === '') {
    wrong('name', `must be a name that is not blank, got ${describeValue(name)}`);
  }
  if (!Array.isArray(thresholds)) {
    wrong('thresholds', `must be a list, got ${describeValue(thresholds)}`);
  }
  const isNumber = (value: unknown, min: number): boolean => Number.isFinite(value) && (value as number) >= min;
  for (const [at, given] of (Array.isArray(thresholds) ? thresholds : []).entries()) {
    problems.push(...unknownOptions(given, thresholdNames, `thresholds[${at}]`));
    if (!isFields(given)) {
      continue;
    }
    const { measure, limit, filter = {}, windowMs = 1000, minExecutions = 1 } = given;
    if (!measures.some((known) => known === measure)) {
      wrong(`thresholds[${at}].measure`, `must be one of ${measures.join(', ')}, got ${describeValue(measure)}`);
    }
    if (!isNumber(limit, 0)) {
      wrong(`thresholds[${at}].limit`, `must be a number >= 0, got ${describeValue(limit)}`);
    } else if (measure === 'failureRate' && (limit as number) > 1) {
      wrong(`thresholds[${at}].limit`, `must be a share from 0 to 1, got ${describeValue(limit)}`);
    }
    if (!isNumber(windowMs, 1000)) {
      wrong(`thresholds[${at}].windowMs`, `must be a number >= 1000, got ${describeValue(windowMs)}`);
    }
    if (!isNumber(minExecutions, 1)) {
      wrong(`thresholds[${at}].minExecutions`, `must be a number >= 1, got ${describeValue(minExecutions)}`);
    }
    checkFilter(filter, `thresholds[${at}].filter`, problems);
  }
  if (problems.length > 0) {
    throw configError(problems);
  }
}
