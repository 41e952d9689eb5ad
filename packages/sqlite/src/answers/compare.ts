import type { JsonValue, RunComparison, RunDetails } from '@toolweaver/analytics-core';
import type { Db } from './filter.ts';
import { run } from './run.ts';
import { differenceOf, readSamples, type Samples } from './sample.ts';
import { differentSettings } from './settings.ts';

export interface CompareQuestion {
  readonly runIds: readonly string[];
}

/** The result, or the unknown runs. Records are lists of entries, as objects sent between threads have a prototype again. */
export type Compared =
  | { readonly unknown: readonly string[] }
  | (Omit<RunComparison, 'config' | 'metrics'> & {
      readonly config: readonly [string, (JsonValue | null)[]][];
      readonly metrics: readonly [string, (number | null)[]][];
    });

export async function compare(db: Db, { runIds }: CompareQuestion): Promise<Compared> {
  const runs: RunDetails[] = [];
  const samples: Samples[] = [];
  const unknown: string[] = [];
  for (const runId of runIds) {
    const found = await run(db, { runId });
    if (found === undefined) {
      unknown.push(runId);
    } else {
      runs.push(found);
      samples.push(await readSamples(db, { runId }));
    }
  }
  if (unknown.length > 0) {
    return { unknown };
  }
  const names = new Set(runs.flatMap(({ metrics }) => Object.keys(metrics)));
  const [first, ...others] = samples as [Samples, ...Samples[]];
  return {
    runs,
    config: differentSettings(runs.map(({ config }) => config)),
    metrics: [...names]
      .sort()
      .map((name) => [
        name,
        runs.map(({ metrics }) => (Object.hasOwn(metrics, name) ? (metrics[name] as number) : null)),
      ]),
    differences: others.map((other) => differenceOf(first, other)),
  };
}
