import type { ExecutionKind, VersionComparison, VersionStats } from '@toolweaver/analytics-core';
import type { Db, Filter } from './filter.ts';
import { toCounts, toLatency, totals } from './numbers.ts';
import { differenceOf, readSamples, type Samples, toUsd } from './sample.ts';
import { select } from './selection.ts';
import { student, weightedShare } from './statistics.ts';

export interface VersionsQuestion {
  /** Time, kind, name and organisation. */
  readonly filter: Filter & { readonly kind: ExecutionKind; readonly name: string };
  readonly versions: readonly [string, string];
}

export async function versions(db: Db, question: VersionsQuestion): Promise<VersionComparison> {
  const { filter, versions: compared } = question;
  const [one, other] = compared;
  const samples = [
    await readSamples(db, { ...filter, version: one }),
    await readSamples(db, { ...filter, version: other }),
  ] as const;
  return {
    kind: filter.kind,
    name: filter.name,
    versions: [
      await versionStats(db, { ...filter, version: one }, samples[0]),
      await versionStats(db, { ...filter, version: other }, samples[1]),
    ],
    difference: differenceOf(...samples),
  };
}

async function versionStats(
  db: Db,
  filter: Filter & { readonly version: string },
  samples: Samples,
): Promise<VersionStats> {
  const selection = await select(db, filter);
  const found = await db.selectFrom(selection.figures.as('c')).select(totals).executeTakeFirstOrThrow();
  const distribution = (await selection.distributions({ latency: true })).get(0);
  return {
    version: filter.version,
    ...toCounts(found),
    successRateEstimate: weightedShare(samples.success),
    latencyMs: toLatency(found, distribution?.latency),
    averageLatencyMs: student(samples.latencyMs),
    averageCostUsd: toUsd(student(samples.costNanoUsd)),
  };
}
