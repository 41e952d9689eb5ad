import type { EventInput } from '@toolweaver/analytics-core';
import { seededRandom } from '../../../../test/support/random.ts';
import { query } from './rows.ts';

// Executions with a number from 1 up: what is missing, or there twice, shows.

/** Years ago, whenever the tests run. */
const longAgo = Date.UTC(2020, 0, 31, 20);

/** The same one for the same seed and number, also in another process; its figures add up exactly. Its run is the seed. */
export function executionNumber(seed: number, number: number, start: number = longAgo): EventInput {
  const random = seededRandom(seed + Math.imul(number, 0x9e37_79b1));
  const kind = random.pick(['skill', 'tool', 'llm'] as const);
  const success = random.next() < 0.8;
  const hex = (digits: number): string => random.seed().toString(16).padStart(8, '0').slice(0, digits);
  return {
    type: 'execution',
    id: `${hex(8)}-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(8)}${hex(4)}`,
    // A few hours' worth within each few hundred.
    at: start + number * 30_000 + random.below(30_000),
    kind,
    name: `${kind}-${random.below(4)}`,
    success,
    runId: String(seed),
    latencyMs: random.below(4_000) / 4,
    userId: `user-${random.below(20)}`,
    orgId: random.pick([undefined, 'org-1', 'org-2']),
    error: success ? undefined : random.pick([undefined, { type: 'TimeoutError' }, { type: 'TypeError' }]),
    ...(kind === 'llm' && {
      model: random.pick(['large', 'small']),
      usage: { inputTokens: random.below(5_000), outputTokens: random.below(500) },
      cost: { usd: random.below(1_000) / 1024 },
    }),
    ...(kind === 'tool' && { cacheHit: random.next() < 0.5 }),
    attributes: { number },
  };
}

/** How many there are, of how many numbers, and the highest number. */
export interface Numbered {
  readonly rows: number;
  readonly numbers: number;
  readonly last: number;
}

const number = "attributes ->> 'number'";
const columns = `count(*) AS rows, count(DISTINCT ${number}) AS numbers, coalesce(max(${number}), 0) AS last`;

export function numberedOf(path: string, seed: number): Numbered {
  return query(path, `SELECT ${columns} FROM executions WHERE run_id = ?`, String(seed))[0] as unknown as Numbered;
}

export function numberedByUser(path: string): Record<string, Numbered> {
  const groups = query(path, `SELECT user_id, ${columns} FROM executions GROUP BY user_id`);
  return Object.fromEntries(groups.map(({ user_id, ...numbered }) => [user_id, numbered as unknown as Numbered]));
}

/** Every number up to `last`, once. */
export const complete = (last: number): Numbered => ({ rows: last, numbers: last, last });
