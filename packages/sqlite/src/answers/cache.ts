import type { CacheReport, CacheStats } from '@toolweaver/analytics-core';
import type { Db, Filter } from './filter.ts';
import { ratio } from './numbers.ts';
import { operationTotals } from './operations.ts';
import { byKindAndName, descending, inOrder } from './order.ts';
import { select } from './selection.ts';

export interface CacheQuestion {
  readonly filter: Filter;
}

export async function cache(db: Db, { filter }: CacheQuestion): Promise<CacheReport> {
  const operations = (await operationTotals(db, await select(db, filter)))
    .map(({ kind, name, cache_hits, cache_misses }) => ({ kind, name, ...toStats(cache_hits, cache_misses) }))
    .filter(({ hitRate }) => hitRate !== null)
    .sort(
      inOrder(
        descending(({ hits, misses }) => hits + misses),
        byKindAndName,
      ),
    );
  const [hits, misses] = operations.reduce((sums, one) => [sums[0] + one.hits, sums[1] + one.misses], [0, 0]);
  return { ...toStats(hits, misses), operations };
}

function toStats(hits: number, misses: number): CacheStats {
  return { hits, misses, hitRate: ratio(hits, hits + misses) };
}
