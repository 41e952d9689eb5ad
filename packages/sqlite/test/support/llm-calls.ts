import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionInput } from '@toolweaver/analytics-core';

// A trace of LLM calls as others publish them: TIMESTAMP in UTC with seven digits of seconds, ContextTokens, GeneratedTokens.

/** An hour of real calls (Azure LLM inference trace 2023, CC-BY 4.0), where it lies beside the repository. */
const real = join(import.meta.dirname, '../../../../../shared/data/azure_llm_conv_2023.csv');

/** The path of a trace; of one that is made into the folder when there is no real one. */
export function traceIn(folder: string): string {
  if (existsSync(real)) {
    return real;
  }
  const path = join(folder, 'trace.csv');
  const start = Date.UTC(2023, 10, 16, 18, 15, 46);
  const rows = Array.from({ length: 19_000 }, (_, row) => {
    const time = new Date(start + row * 186).toISOString().slice(0, -1).replace('T', ' ');
    return `${time}${String(row * 7919)
      .slice(-4)
      .padStart(4, '0')},${(row * 31) % 4096},${(row * 17) % 900}`;
  });
  writeFileSync(path, ['TIMESTAMP,ContextTokens,GeneratedTokens', ...rows].join('\r\n'));
  return path;
}

export interface TraceFacts {
  readonly rows: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** As SQLite writes it, cut to the ms. */
  readonly first: string;
  readonly last: string;
}

/** What is in a trace, found without any of the code that imports it. */
export function factsOf(path: string): TraceFacts {
  const [, ...lines] = readFileSync(path, 'latin1').split('\r\n');
  const rows = lines.filter((line) => line !== '').map((line) => line.split(','));
  const sum = (column: number): number => rows.reduce((total, cells) => total + Number(cells[column]), 0);
  const times = rows.map(([time = '']) => time.slice(0, 23)).toSorted();
  return {
    rows: rows.length,
    inputTokens: sum(1),
    outputTokens: sum(2),
    first: times.at(0) ?? '',
    last: times.at(-1) ?? '',
  };
}

export function toLlmCall(row: Readonly<Record<string, string>>): ExecutionInput {
  return {
    type: 'execution',
    kind: 'llm',
    name: 'conversation',
    model: 'trace-2023',
    success: true,
    at: Date.parse(`${row['TIMESTAMP']?.slice(0, 23).replace(' ', 'T')}Z`),
    usage: { inputTokens: Number(row['ContextTokens']), outputTokens: Number(row['GeneratedTokens']) },
  };
}
