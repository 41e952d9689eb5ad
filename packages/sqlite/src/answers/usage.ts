import type { SkillUsage } from '@toolweaver/analytics-core';
import type { Db, Filter } from './filter.ts';
import { toCounts, toLatency, totalsOf } from './numbers.ts';
import { select } from './selection.ts';

export interface UsageQuestion {
  readonly filter: Filter & { readonly from: number; readonly to: number; readonly name: string };
}

export async function usage(db: Db, { filter }: UsageQuestion): Promise<SkillUsage> {
  const selection = await select(db, filter);
  const found = await db
    .selectFrom(selection.figures.as('c'))
    .select(
      totalsOf('executions', 'successes', 'latency_weight', 'latency_sum', 'latency_min', 'latency_max', 'last_at'),
    )
    .executeTakeFirstOrThrow();
  const distribution = (await selection.distributions({ latency: true, users: true })).get(0);
  return {
    skillId: filter.name,
    from: filter.from,
    to: filter.to,
    ...toCounts(found),
    uniqueUsers: distribution?.users ?? 0,
    latencyMs: toLatency(found, distribution?.latency),
    lastUsedAt: found.last_at,
  };
}
