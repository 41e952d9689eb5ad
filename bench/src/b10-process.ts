import { setTimeout } from 'node:timers/promises';
import { createAnalytics } from '@toolweaver/analytics-core';
import { wandb } from '@toolweaver/analytics-wandb';
import { checkedEvery, waitMs } from './client.ts';
import { workload } from './data.ts';
import { threadCpuNs } from './measure.ts';

// Prints the main thread's CPU time per execution delivered into a W&B run, in ns for each round.
// Uses one client, as a program does: code that has served several clients is slower.

export interface RunsTask {
  readonly mode: 'online' | 'offline';
  /** The URL of the service. */
  readonly url: string;
  readonly apiKey: string;
  readonly dir: string;
  /** Whether executions have tokens, costs and organisations. */
  readonly full: boolean;
  readonly rounds: number;
  /** The number of executions per round, and before the first round. */
  readonly executions: number;
}

const { mode, url, apiKey, dir, full, rounds, executions }: RunsTask = JSON.parse(process.argv[2] as string);
const { at } = workload({ orgs: full, tokens: full });
const client = createAnalytics({ backends: [await wandb({ mode, dir, apiKey, baseUrl: url })] });

async function record(): Promise<void> {
  for (let index = 0; index < executions; index += 1) {
    if (index % checkedEvery === 0) {
      while ((client.stats().backends['wandb']?.queued ?? 0) > 32_768) {
        await setTimeout(waitMs);
      }
    }
    client.recordSkillExecution(at(index));
  }
  await client.flush({ timeoutMs: 60_000 });
}

await record();
const ns: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  ns.push((await threadCpuNs(record)) / executions);
}
const { delivered } = client.stats().backends['wandb'] ?? {};
await client.close();
if (delivered !== (rounds + 1) * executions) {
  throw new Error(`recorded ${(rounds + 1) * executions} executions; delivered are ${delivered}`);
}
process.stdout.write(JSON.stringify(ns));
