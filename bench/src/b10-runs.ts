import { execFile } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startRun } from '@toolweaver/analytics-wandb';
import type { RunsTask } from './b10-process.ts';
import { byHand } from './by-hand.ts';
import { workload } from './data.ts';
import { type Figure, type FigureText, figure, type Measure, type Setting } from './figure.ts';
import { interleave, medianOf, paired, summarize, threadCpuNs } from './measure.ts';
import { pythonHint, sdkHint, wandbPeers } from './wandb-peers.ts';
import { startWandbService, type WandbService } from './wandb-service.ts';

const apiKey = 'a'.repeat(40);
const goalNs = 3_000;
/** The main thread's CPU time per row by hand, on the machine on which the goal was set. */
const goalMachineRowNs = 3_770;
const goalNote =
  'The target is the goal times how much slower than on the machine of the goals a row into SQLite by hand is here.';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'b10-process.ts');

/** Measures the cost of an execution in a W&B run, and the speed of offline rows, by our client and by others. */
export const runs: Measure = async (setting) => {
  const service = await startWandbService();
  try {
    return [...(await recordingFigures(setting, service)), ...(await offlineFigures(setting, service))];
  } finally {
    await service.stop();
  }
};

async function recordingFigures({ quick, newPath, progress }: Setting, service: WandbService): Promise<Figure[]> {
  const [rounds, executions] = quick ? [1, 10_000] : [7, 60_000];
  const slowness = await slownessOfMachine(newPath('by-hand.db'), executions);
  const figures: Figure[] = [];
  for (const full of [false, true]) {
    for (const mode of ['online', 'offline'] as const) {
      const { name: load } = workload({ orgs: full, tokens: full });
      progress(`${mode}: ${load}`);
      const before = await service.lines();
      const task: RunsTask = { mode, url: service.url, apiKey, dir: newFolder(newPath), full, rounds, executions };
      const { stdout } = await run(process.execPath, [...process.execArgv, program, JSON.stringify(task)]);
      const lines = (await service.lines()) - before;
      if (mode === 'online' && lines !== (rounds + 1) * executions) {
        throw new Error(`recorded ${(rounds + 1) * executions} executions, but the service has ${lines} rows`);
      }
      const name = `main-thread CPU of an execution, ${mode}: ${load}`;
      const ns: number[] = JSON.parse(stdout);
      const goal: Pick<FigureText, 'target' | 'details'> = full
        ? {}
        : { target: { op: '<=', value: goalNs * slowness }, details: { goalNs, slowness } };
      figures.push(figure({ measure: 'b10', name, unit: 'ns', ...goal, note: goalNote }, summarize(ns)));
    }
  }
  return figures;
}

/** How many times slower a row by hand is here than on the machine on which the goal was set; at least 1. */
async function slownessOfMachine(path: string, rows: number): Promise<number> {
  const hand = byHand({ path, columns: 'none' });
  const { at } = workload({ orgs: false, tokens: false });
  const ns: number[] = [];
  for (let round = 0; round <= 5; round += 1) {
    const cpuNs = await threadCpuNs(() => {
      for (let index = 0; index < rows; index += 1) {
        hand.record(at(index));
      }
      hand.flush();
    });
    // The first round warms up.
    if (round > 0) {
      ns.push(cpuNs / rows);
    }
  }
  hand.close();
  return Math.max(1, medianOf(ns) / goalMachineRowNs);
}

async function offlineFigures({ quick, newPath, progress }: Setting, service: WandbService): Promise<Figure[]> {
  const rows = quick ? 10_000 : 100_000;
  const sizes: number[] = [];
  const growths: number[] = [];
  progress('warming up');
  await ourRows(rows / 10, newFolder(newPath));
  const results = await interleave(
    quick ? 1 : 3,
    {
      async ours(): Promise<number | undefined> {
        const { seconds, bytes, growth } = await ourRows(rows, newFolder(newPath));
        sizes.push(bytes / rows);
        growths.push(growth);
        return rows / seconds;
      },
      python: async () => rate(rows / 10, await wandbPeers.python(rows / 10, newFolder(newPath))),
      sdk: async () => rate(rows / 10, await wandbPeers.sdk(rows / 10, newFolder(newPath), service.url)),
    },
    progress,
    false,
  );
  const ours = results.ours.filter((value) => value !== undefined);
  const { python, sdk } = results;
  // Nothing can be said of a peer that is not there.
  const missing = [python.includes(undefined) ? pythonHint : '', sdk.includes(undefined) ? sdkHint : ''];
  const figures = [
    figure(
      {
        measure: 'b10',
        name: 'bytes of an offline row of three values',
        unit: 'bytes',
        details: { rowsPerSecond: medianOf(ours) },
        note: missing.filter((hint) => hint !== '').join('; ') || undefined,
      },
      summarize(sizes),
    ),
    figure(
      {
        measure: 'b10',
        name: `heap after ${rows} offline rows, above that after a tenth of them`,
        unit: 'MB',
        target: { op: '<=', value: 4 },
      },
      summarize(growths.map((bytes) => bytes / 1024 ** 2)),
    ),
  ];
  for (const [name, others] of [
    ['the Python client, offline', python],
    ['@wandb/sdk, online as it has no offline mode', sdk],
  ] as const) {
    const known = others.filter((value): value is number => value !== undefined);
    if (known.length === ours.length) {
      figures.push(
        figure(
          {
            measure: 'b10',
            name: `rows/s offline, of ${name}`,
            unit: 'ratio',
            details: { oursRowsPerSecond: medianOf(ours), othersRowsPerSecond: medianOf(known) },
          },
          paired(ours, known, (left, right) => left / right),
        ),
      );
    }
  }
  return figures;
}

/** Writes rows through the client, letting the event loop turn as in a program. */
async function ourRows(rows: number, dir: string): Promise<{ seconds: number; bytes: number; growth: number }> {
  const run = await startRun({ mode: 'offline', dir, runId: 'bench' });
  let early = 0;
  const started = performance.now();
  for (let row = 0; row < rows; row += 1) {
    run.log({ loss: row / 7, accuracy: 1 - 1 / (row + 1), epoch: Math.floor(row / 1000) });
    if (row % 1000 === 999) {
      await run.flush();
    }
    if (row === rows / 10) {
      early = heapUsed();
    }
  }
  const growth = heapUsed() - early;
  await run.finish();
  const seconds = (performance.now() - started) / 1000;
  const { size } = statSync(join(run.location ?? '', 'run-bench.wandb'));
  return { seconds, bytes: size, growth };
}

/** The heap in use after a garbage collection. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

function rate(rows: number, seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : rows / seconds;
}

function newFolder(newPath: (name: string) => string): string {
  const path = newPath('runs');
  mkdirSync(path);
  return path;
}
