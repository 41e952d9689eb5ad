import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { HeapTask } from './b8-process.ts';
import { figure, type Measure } from './figure.ts';
import { interleave, summarize } from './measure.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'b8-process.ts');

/** Measures how much heap an event takes in the queue. */
export const heap: Measure = async ({ quick, progress }) => {
  const rounds = quick ? 1 : 5;
  const events = quick ? 20_000 : 60_000;
  const bytes = await interleave(
    rounds,
    {
      fullSpeed: () => bytesOf({ events, perMs: null, load: 'plain' }),
      twenty: () => bytesOf({ events, perMs: 20, load: 'plain' }),
      one: () => bytesOf({ events, perMs: 1, load: 'plain' }),
      freshNames: () => bytesOf({ events, perMs: 20, load: 'fresh names' }),
      tokens: () => bytesOf({ events, perMs: 20, load: 'tokens' }),
    },
    progress,
    // No warm-up: every arm is a new process.
    false,
  );
  const target = { op: '<=', value: 250 } as const;
  const line = (name: string, values: readonly number[], wanted?: typeof target) =>
    figure(
      { measure: 'b8', name: `heap of a queued event, ${name}`, unit: 'bytes', ...(wanted && { target: wanted }) },
      summarize(values),
    );
  return [
    line('at full speed', bytes.fullSpeed, target),
    line('20 per ms', bytes.twenty, target),
    line('1 per ms', bytes.one, target),
    line('20 per ms, user ids all different', bytes.freshNames),
    line('20 per ms, tokens and cost', bytes.tokens),
  ];
};

/** Measures in a process of its own, so that nothing else changes the heap meanwhile. */
async function bytesOf(task: HeapTask): Promise<number> {
  const args = [...process.execArgv, '--expose-gc', program, JSON.stringify(task)];
  const { stdout } = await run(process.execPath, args);
  return Number(stdout);
}
