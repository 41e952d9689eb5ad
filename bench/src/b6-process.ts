import { setImmediate } from 'node:timers/promises';
import { createAnalytics } from '@toolweaver/analytics-core';
import { prometheus } from '@toolweaver/analytics-prometheus';
import type { ToolCall } from './data.ts';
import { prometheusByHand } from './prometheus-by-hand.ts';

// Prints a HeapResult: what calls with all different names leave on the heap. Needs --expose-gc.

export interface HeapTask {
  readonly what: 'skills by the client' | 'tools by the client' | 'tools by hand';
  /** The client's limit of label sets per metric. */
  readonly maxLabelSets: number;
  readonly names: number;
}

export interface HeapResult {
  /** Heap in use after a garbage collection. */
  readonly bytes: number;
  /** The series of the counter of executions. */
  readonly series: number;
  /** CPU time. */
  readonly scrapeMs: number;
}

interface Subject {
  record(name: string): void;
  scrape(): Promise<string>;
}

const { what, maxLabelSets, names } = JSON.parse(process.argv[2] as string) as HeapTask;

async function open(): Promise<Subject> {
  if (what === 'tools by hand') {
    const hand = prometheusByHand({ orgs: false });
    return { record: (name) => hand.record(callOf(name)), scrape: hand.metrics };
  }
  const backend = await prometheus({ port: false, maxLabelSets });
  const client = createAnalytics({ backends: [backend] });
  const record =
    what === 'tools by the client'
      ? (name: string) => client.recordToolInvocation(callOf(name))
      : (name: string) => client.recordSkillExecution({ skillId: name, success: true, latencyMs: 120 });
  return { record, scrape: backend.scrape };
}

function callOf(toolName: string): ToolCall {
  return { toolName, toolkit: '', success: true, latencyMs: 120, cost: { usd: 0.001 } };
}

/** A function of its own, so that the text of the scrape is not kept alive. */
async function scraped({ scrape }: Subject): Promise<Omit<HeapResult, 'bytes'>> {
  const before = process.threadCpuUsage();
  const text = await scrape();
  const { user, system } = process.threadCpuUsage(before);
  const scrapeMs = (user + system) / 1000;
  return { scrapeMs, series: text.match(/^toolweaver_(skill|tool)_executions_total\{/gm)?.length ?? 0 };
}

async function heapBytes(): Promise<number> {
  await setImmediate();
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const subject = await open();
subject.record('the first');
await scraped(subject);
const bytesBefore = await heapBytes();
for (let index = 1; index < names; index += 1) {
  subject.record(`name-of-something-${index}`);
}
await scraped(subject);
const { series, scrapeMs } = await scraped(subject);
const bytes = (await heapBytes()) - bytesBefore;
if (globalThis.gc === undefined || series < Math.min(names, maxLabelSets)) {
  throw new Error(`needs --expose-gc, and a series for each name up to the limit; there are ${series}`);
}
const result: HeapResult = { bytes, series, scrapeMs };
process.stdout.write(`${JSON.stringify(result)}\n`);
