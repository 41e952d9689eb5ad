import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionEvent } from '@toolweaver/analytics-core';
import { exportEvents } from '@toolweaver/analytics-sqlite';
import { execution } from '@toolweaver/analytics-testkit';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';

const sources = ['provider', 'override', 'computed'] as const;

/** Of three organisations and of none, with costs that are no round numbers, and some without. */
function calls(): ExecutionEvent[] {
  return Array.from({ length: 400 }, (_, at) => {
    const source = sources[at % 3] ?? 'computed';
    const orgId = at % 4 === 0 ? undefined : `org, "${at % 4}"`;
    const nanoUsd = 1_000_001 + at * 7919;
    return execution({
      kind: at % 5 === 0 ? 'tool' : 'llm',
      name: 'answer',
      at: Date.now() - at * 1000,
      ...(orgId !== undefined && { orgId }),
      ...(at % 7 > 0 && { cost: { nanoUsd, source } }),
    });
  });
}

test("each organisation's CSV holds its own executions, and adds up to what the reader says", async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write(calls());
  const { entries } = await backend.reader.getCosts({ by: 'organisation' });
  const organisations = entries.filter(({ name }) => name !== null);
  expect(organisations).toHaveLength(3);
  for (const { name, executions, pricedExecutions, totalCostUsd } of organisations) {
    const target = join(testFolder(), 'costs.csv');
    await exportEvents({ path, target, orgId: name as string });
    const rows = parse<Record<string, string>>(readFileSync(target, 'utf8'), { columns: true });
    expect(rows).toHaveLength(executions);
    expect(new Set(rows.map(({ org_id }) => org_id))).toEqual(new Set([name]));
    const known = rows.filter(({ cost_nano_usd }) => cost_nano_usd !== '');
    expect(known).toHaveLength(pricedExecutions);
    const nanoUsd = known.reduce((sum, { cost_nano_usd = '' }) => sum + BigInt(cost_nano_usd), 0n);
    expect(Number(nanoUsd) / 1e9).toBe(totalCostUsd);
    expect(new Set(known.map(({ cost_source }) => cost_source))).toEqual(new Set(sources));
  }
});
