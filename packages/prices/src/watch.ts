import type { AnalyticsEvent, Backend } from '@toolweaver/analytics-core';
import { checkOptions, type OptionChecks, type OptionNames, tell } from '@toolweaver/analytics-core/backend';
import { isFields } from './fields.ts';
import { checkFilter, matches, type SpendFilter } from './scope.ts';
import { watchRuns } from './watch-runs.ts';

/**
 * `cost`: known costs in the window, in US dollars · `spendRate`: the same per hour · `failureRate`: share of failed executions
 * in the window, 0 to 1 · `duration`: of one execution, in ms · `health`: score set for a skill, 0 to 100; crossed downwards.
 * With `per: 'run'`, `cost` and `failureRate` are those of a run since its start, and `duration` is how long it has taken.
 */
export type Measure = 'cost' | 'spendRate' | 'failureRate' | 'duration' | 'health';

/** A measure and its limit, checked whenever an event that counts is recorded, and at no other time. */
export interface Threshold {
  readonly measure: Measure;
  /** Crossed by a higher value; for `health`, by a lower one. */
  readonly limit: number;
  /** Which executions count; for `health`, only `name` is used, as the id of the skill. Default: all. */
  readonly filter?: SpendFilter | undefined;
  /** `run`: `cost`, `failureRate` or `duration` of each run, reported once for each. Default: not by run. */
  readonly per?: 'run' | undefined;
  /** For `cost`, `spendRate` and `failureRate`: length of the window up to now; at least 1000. Default: 300000 (five minutes). */
  readonly windowMs?: number | undefined;
  /** For `failureRate`: with fewer executions in the window, or in the run, nothing is reported. Default: 20. */
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
  /** With `per: 'run'`: the id of the run. */
  readonly runId?: string | undefined;
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
  /** For tests: Unix time in ms, up to which windows reach; with a client's own `clock`, that clock's `now`. */
  readonly now?: (() => number) | undefined;
}

const optionNames: OptionNames<WatchOptions> = { thresholds: true, onThreshold: true, name: true, now: true };
const thresholdNames: OptionNames<Threshold> = {
  measure: true,
  limit: true,
  filter: true,
  per: true,
  windowMs: true,
  minExecutions: true,
};

/** A window moves in this many steps, so that its memory is constant. */
const steps = 60;
/** The most skills below the limit that are remembered, so that each is reported once; further ones are not reported. */
const maxSkills = 10_000;

/**
 * Returns a backend that reports when what is recorded crosses a threshold. Pass it to the client as one of its `backends`.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function watch(options: WatchOptions): Backend {
  const { thresholds, onThreshold, name, now } = resolveOptions(options);
  const crossed = (crossing: Crossing): void => tell(onThreshold, crossing);
  const watchers = thresholds.map(({ threshold, filter }) => {
    if (threshold.per === 'run') {
      return watchRuns(threshold, filter, crossed);
    }
    switch (threshold.measure) {
      case 'duration':
        return watchDurations(threshold, filter, crossed);
      case 'health':
        return watchHealth(threshold, filter, crossed);
      default:
        return watchWindow(threshold, filter, crossed, now);
    }
  });
  return {
    name,
    delivery: 'immediate',
    settings: {
      thresholds: thresholds.map(({ threshold: { measure, limit, per = null } }) => ({ measure, limit, per })),
    },
    write(events) {
      for (const event of events) {
        for (const look of watchers) {
          look(event);
        }
      }
    },
  };
}

export type Crossed = (crossing: Crossing) => void;
export type Watcher = (event: AnalyticsEvent) => void;

function watchDurations(threshold: Threshold, filter: SpendFilter, crossed: Crossed): Watcher {
  const { limit } = threshold;
  return (event) => {
    if (matches(event, filter) && event.latencyMs !== undefined && event.latencyMs > limit) {
      crossed({ threshold, value: event.latencyMs, at: event.at, name: event.name });
    }
  };
}

function watchHealth(threshold: Threshold, filter: SpendFilter, crossed: Crossed): Watcher {
  const { limit } = threshold;
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

function watchWindow(threshold: Threshold, filter: SpendFilter, crossed: Crossed, now: () => number): Watcher {
  const { measure, limit, windowMs = 300_000, minExecutions = 20 } = threshold;
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
    if (!matches(event, filter)) {
      return;
    }
    const { at, weight = 1, cost, success } = event;
    // Events dated in the future count as now.
    const present = Math.floor(now() / stepMs);
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

const runMeasures: readonly Measure[] = ['cost', 'failureRate', 'duration'];

function resolveOptions(options: WatchOptions) {
  return checkOptions(options, optionNames, (check, given) => {
    const { thresholds, onThreshold } = given;
    check.required.callback('onThreshold', onThreshold);
    const isList = Array.isArray(thresholds);
    check.expect('thresholds', thresholds, isList, 'a list');
    return {
      thresholds: isList
        ? thresholds.flatMap((threshold, at) => checkThreshold(check, `thresholds[${at}]`, threshold))
        : [],
      onThreshold: onThreshold as WatchOptions['onThreshold'],
      name: check.text('name', given.name) ?? 'watch',
      now: check.callback('now', given.now) ?? Date.now,
    };
  });
}

/** Returns the threshold as given, since each crossing shows it, and its filter in the form that is recorded. */
function checkThreshold(check: OptionChecks, field: string, threshold: Threshold) {
  if (!check.expect(field, threshold, isFields(threshold), 'an object')) {
    return [];
  }
  const given = check.group(field, threshold, thresholdNames);
  const measure = check.required.choice(`${field}.measure`, given.measure, measures);
  check.required.number(`${field}.limit`, given.limit, { min: 0, ...(measure === 'failureRate' && { max: 1 }) });
  if (check.choice(`${field}.per`, given.per, ['run']) === 'run') {
    const isOfRuns = measure === undefined || runMeasures.includes(measure);
    check.expect(`${field}.per`, given.per, isOfRuns, `left out, unless the measure is ${runMeasures.join(', ')}`);
    check.expect(`${field}.windowMs`, given.windowMs, given.windowMs === undefined, "left out with per: 'run'");
  }
  check.number(`${field}.windowMs`, given.windowMs, { min: 1000 });
  check.number(`${field}.minExecutions`, given.minExecutions, { min: 1 });
  return [{ threshold, filter: checkFilter(check, `${field}.filter`, given.filter) }];
}
