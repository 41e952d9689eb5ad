import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Figure, figure, type MeasureId, type Setting } from './figure.ts';
import { medianOf, paired } from './measure.ts';
import type { RecordingTask, RecordingTimes } from './recording-process.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'recording-process.ts');

/** V8 compiles the same code differently from process to process, which makes up to a fifth of its time. */
const processes = 3;

export interface RecordingOptions extends Pick<RecordingTask, 'into' | 'of' | 'orgs'> {
  readonly measure: MeasureId;
  /** The library with which recording by hand is done. */
  readonly peer: string;
  /** Without a target, the figure is only stated. */
  readonly target?: number;
  readonly url?: string;
}

/** Measures the cost of recording an execution through the client, relative to recording by hand. */
export async function recording({ quick, progress }: Setting, options: RecordingOptions): Promise<Figure> {
  const { measure, into, of, orgs, peer, target, url = '' } = options;
  const load = `200 ${of}s${orgs ? ', 50 organisations' : ''}`;
  progress(`${peer}: ${load}`);
  // The kernel may count a thread's time in steps of a few ms, so a round should take a hundred of them.
  const [rounds, executions] = into === 'all' ? [3, 200_000] : [4, 500_000];
  const task: RecordingTask = {
    into,
    of,
    orgs,
    url,
    rounds: quick ? 1 : rounds,
    executions: quick ? 10_000 : executions,
  };
  const clientNs: number[] = [];
  const byHandNs: number[] = [];
  let labelSets = 0;
  for (let left = quick ? 1 : processes; left > 0; left -= 1) {
    const { stdout } = await run(process.execPath, [...process.execArgv, program, JSON.stringify(task)]);
    const times: RecordingTimes = JSON.parse(stdout);
    clientNs.push(...times.clientNs);
    byHandNs.push(...times.byHandNs);
    labelSets = times.labelSets;
  }
  return figure(
    {
      measure,
      name: `main-thread CPU to record, of ${peer} by hand: ${load}`,
      unit: 'ratio',
      ...(target !== undefined && { target: { op: '<=', value: target } }),
      details: { clientNs: medianOf(clientNs), byHandNs: medianOf(byHandNs), labelSets },
      note:
        of === 'skill'
          ? 'An execution of a skill counts in three counters and a histogram on both sides, of the same names, labels and buckets.'
          : 'A call of a tool counts in three counters and a histogram on both sides, a failed one in a fourth counter.',
    },
    paired(clientNs, byHandNs, (client, hand) => client / hand),
  );
}
