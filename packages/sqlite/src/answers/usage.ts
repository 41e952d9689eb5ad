import type { SkillUsage } from '@toolweaver/analytics-core';
import { noCounts } from './distribution.ts';
import type { Db, Filter } from './filter.ts';
import { toCounts, toLatency } from './numbers.ts';
import { select } from './selection.ts';

export interface UsageQuestion {
  readonly filter: Filter & { readonly from: number; readonly to: number; readonly name: string };
}

export async function usage(db: Db, { filter }: UsageQuestion): Promise<SkillUsage> {
  const selection = await select(db, filter);
  const found = (await selection.distributions({ counts: true, latency: true, users: true })).get(0);
  const counts = found?.counts ?? noCounts;
  return {
    skillId: filter.name,
    from: filter.from,
    to: filter.to,
    ...toCounts(counts),
    uniqueUsers: found?.users ?? 0,
    latencyMs: toLatency(counts, found?.latency),
    lastUsedAt: counts.last_at,
  };
}
