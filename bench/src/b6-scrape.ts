import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createAnalytics } from '@toolweaver/analytics-core';
import { type PrometheusBackend, prometheus } from '@toolweaver/analytics-prometheus';
import type { HeapResult, HeapTask } from './b6-process.ts';
import type { ToolCall } from './data.ts';
import { type Figure, figure, type Measure } from './figure.ts';
import { interleave, medianOf, paired, summarize, threadCpuNs } from './measure.ts';
import { countSamples, expectSameMetrics, prometheusByHand } from './prometheus-by-hand.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'b6-process.ts');
const maxLabelSets = 100_000;

/** A number of label sets that makes about 10 000 lines. */
const tenThousandLines = 600;

/** Measures the cost of a scrape, its effect on the event loop, and the heap that label sets take. */
export const scrape: Measure = async ({ quick, progress }) => {
  const rounds = quick ? 1 : 7;
  const figures: Figure[] = [];
  const labelSets = quick ? 1_000 : 10_000;
  const { backend, hand } = await recorded(labelSets);
  const text = await backend.scrape();
  expectSameMetrics(await hand.metrics(), text);
  const ms = await interleave(
    rounds,
    {
      ours: () => cpuMsOf(() => backend.scrape()),
      byHand: () => cpuMsOf(() => hand.metrics()),
    },
    (round) => progress(`scrape of ${labelSets} label sets: ${round}`),
  );
  figures.push(
    figure(
      {
        measure: 'b6',
        name: `CPU of a scrape of ${labelSets} label sets with a histogram, of prom-client's metrics()`,
        unit: 'ratio',
        target: { op: '<=', value: 1 / 3 },
        details: {
          scrapeMs: medianOf(ms.ours),
          byHandMs: medianOf(ms.byHand),
          lines: countSamples(text),
          megabytes: text.length / 1e6,
        },
      },
      paired(ms.ours, ms.byHand, (ours, byHand) => ours / byHand),
    ),
  );

  const small = (await recorded(tenThousandLines)).backend;
  const lines = countSamples(await small.scrape());
  const blocks = await interleave(
    rounds,
    {
      idle: () => longestTurnMs(),
      small: () => longestTurnMs(small),
      large: () => longestTurnMs(backend),
    },
    (round) => progress(`event loop: ${round}`),
  );
  const details = { idleMs: medianOf(blocks.idle) };
  figures.push(
    figure(
      {
        measure: 'b6',
        name: 'longest turn of the event loop in ten scrapes over HTTP of 10 000 lines',
        unit: 'ms',
        target: { op: '<=', value: 20 },
        details: { ...details, lines },
      },
      summarize(blocks.small),
    ),
    figure(
      {
        measure: 'b6',
        name: `the same of ${labelSets} label sets`,
        unit: 'ms',
        details: { ...details, lines: countSamples(text) },
      },
      summarize(blocks.large),
    ),
  );
  await Promise.all([backend.close?.(), small.close?.()]);

  const heaps = await interleave(
    quick ? 1 : 3,
    {
      ours: () => inProcess({ what: 'tools by the client', maxLabelSets, names: labelSets }),
      byHand: () => inProcess({ what: 'tools by hand', maxLabelSets, names: labelSets }),
      million: () =>
        inProcess({ what: 'skills by the client', maxLabelSets: 2_000, names: quick ? 100_000 : 1_000_000 }),
    },
    (round) => progress(`heap: ${round}`),
    // No warm-up: every arm is a new process.
    false,
  );
  const perSet = (results: readonly HeapResult[]): number[] => results.map(({ bytes }) => bytes / labelSets);
  figures.push(
    figure(
      {
        measure: 'b6',
        name: 'heap of a label set of tools, in counters and a histogram, after a scrape',
        unit: 'bytes',
        details: { byHandBytes: medianOf(perSet(heaps.byHand)) },
      },
      summarize(perSet(heaps.ours)),
    ),
  );
  const { million } = heaps;
  const names = `${quick ? 'a hundred thousand' : 'a million'} distinct names`;
  figures.push(
    figure(
      { measure: 'b6', name: `${names}: series of a counter`, unit: 'series', target: { op: '<=', value: 2_001 } },
      summarize(million.map(({ series }) => series)),
    ),
    figure(
      { measure: 'b6', name: `${names}: growth of the heap`, unit: 'MB', target: { op: '<=', value: 50 } },
      summarize(million.map(({ bytes }) => bytes / 1e6)),
    ),
    figure(
      { measure: 'b6', name: `${names}: a scrape`, unit: 'ms', target: { op: '<=', value: 100 } },
      summarize(million.map(({ scrapeMs }) => scrapeMs)),
    ),
  );
  return figures;
};

/** Records the same calls on both sides: one success and one failure of each tool. */
async function recorded(labelSets: number) {
  const backend = await prometheus({ port: 0, maxLabelSets });
  const client = createAnalytics({ backends: [backend] });
  const hand = prometheusByHand({ orgs: false });
  for (let index = 0; index < 2 * labelSets; index += 1) {
    const call: ToolCall = {
      toolName: `tool_${index % labelSets}`,
      toolkit: 'bench',
      success: index < labelSets,
      latencyMs: (index * 7919) % 70_000,
      error: index < labelSets ? undefined : { type: 'TimeoutError' },
      cost: { usd: 0.0021 },
    };
    client.recordToolInvocation(call);
    hand.record(call);
  }
  return { backend, hand };
}

/** A scraper in a process of its own: when told to, it scrapes ten times over HTTP, with compression. */
const scraper = `
  process.stdout.write('ready');
  process.stdin.once('data', async () => {
    for (let scrapes = 0; scrapes < 10; scrapes += 1) {
      const response = await fetch(process.argv[1], { headers: { 'accept-encoding': 'gzip' } });
      for await (const chunk of response.body) {}
    }
    process.exit();
  });
`;

/**
 * The longest turn of the event loop during ten scrapes, or without a backend during none. In CPU time, so that other work of the
 * machine does not count.
 */
async function longestTurnMs(backend?: PrometheusBackend): Promise<number> {
  let longest = 0;
  let isOver = false;
  let before = cpuMs();
  function turn(): void {
    const now = cpuMs();
    longest = Math.max(longest, now - before);
    before = now;
    if (!isOver) {
      setImmediate(turn);
    }
  }
  if (backend === undefined) {
    turn();
    await setTimeout(300);
  } else {
    const child = spawn(process.execPath, ['-e', scraper, backend.url as string], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    before = cpuMs();
    turn();
    child.stdin.write('go');
    await ended;
  }
  isOver = true;
  return longest;
}

async function cpuMsOf(work: () => Promise<unknown>): Promise<number> {
  return (await threadCpuNs(async () => void (await work()))) / 1e6;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

async function inProcess(task: HeapTask): Promise<HeapResult> {
  const args = [...process.execArgv, '--expose-gc', program, JSON.stringify(task)];
  const { stdout } = await run(process.execPath, args);
  return JSON.parse(stdout);
}
