import { matches, type SpendFilter } from './scope.ts';
import type { Crossed, Threshold, Watcher } from './watch.ts';

/** The most runs that are remembered at a time; of more, those begun first are forgotten. */
const maxRuns = 10_000;

interface RunSoFar {
  startedAt: number | undefined;
  nanoUsd: number;
  executions: number;
  failures: number;
  told: boolean;
}

/** Measures each run from its start to its end, and reports it once. */
export function watchRuns(threshold: Threshold, filter: SpendFilter, crossed: Crossed): Watcher {
  const { measure, limit, minExecutions = 20 } = threshold;
  const runs = new Map<string, RunSoFar>();

  function find(runId: string): RunSoFar {
    const known = runs.get(runId);
    if (known !== undefined) {
      return known;
    }
    const [oldest] = runs.size < maxRuns ? [] : runs.keys();
    if (oldest !== undefined) {
      runs.delete(oldest);
    }
    const run: RunSoFar = { startedAt: undefined, nanoUsd: 0, executions: 0, failures: 0, told: false };
    runs.set(runId, run);
    return run;
  }

  function measured({ startedAt, nanoUsd, executions, failures }: RunSoFar, at: number): number {
    switch (measure) {
      case 'duration':
        return startedAt === undefined ? 0 : at - startedAt;
      case 'failureRate':
        return executions < minExecutions ? 0 : failures / executions;
      default:
        return nanoUsd / 1e9;
    }
  }

  return (event) => {
    const { runId, at } = event;
    if (runId === undefined || (filter.runId !== undefined && filter.runId !== runId)) {
      return;
    }
    const run = find(runId);
    if (event.type === 'run' && event.state === 'started') {
      run.startedAt ??= at;
    }
    if (matches(event, filter)) {
      const { weight = 1, cost, success } = event;
      run.nanoUsd += weight * (cost?.nanoUsd ?? 0);
      run.executions += weight;
      run.failures += success ? 0 : weight;
    }
    const value = measured(run, at);
    if (value > limit && !run.told) {
      run.told = true;
      crossed({ threshold, value, at, runId });
    }
    if (event.type === 'run' && event.state !== 'started') {
      runs.delete(runId);
    }
  };
}
