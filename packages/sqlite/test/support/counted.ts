import type { Analytics, ExecutionKind } from '@toolweaver/analytics-core';

/** How many executions of a kind the reader counts; of up to 1000 names. */
export async function countedBy({ reader }: Pick<Analytics, 'reader'>, kind: ExecutionKind = 'skill'): Promise<number> {
  const names = await reader.getLeaderboard({ kind, limit: 1000 });
  return names.reduce((sum, { executions }) => sum + executions, 0);
}
