import { monitorEventLoopDelay } from 'node:perf_hooks';
import { sqliteClient } from './client.ts';
import { workload } from './data.ts';
import { figure, type Measure } from './figure.ts';
import { interleave, medianOf, paired } from './measure.ts';

const perSecond = 20_000;

interface Phase {
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly cpuNs: number;
  readonly count: number;
}

/** Measures the delay of the event loop while executions are recorded at a steady rate, and while none are. */
export const stall: Measure = async ({ quick, newPath, progress }) => {
  const durationMs = quick ? 500 : 3_000;
  const rounds = quick ? 1 : 7;
  const load = workload({ orgs: true, tokens: false });
  const opened = await sqliteClient(newPath('client.db'));
  let recorded = 0;

  const phases = await interleave(
    rounds,
    {
      idle: () => pace(durationMs, () => {}),
      async recording() {
        const phase = await pace(durationMs, (index) => opened.client.recordSkillExecution(load.at(index)));
        recorded += phase.count;
        await opened.client.flush();
        return phase;
      },
    },
    progress,
  );
  await opened.closeWith(recorded);

  const { idle, recording } = phases;
  const of = (key: keyof Phase) => [recording.map((phase) => phase[key]), idle.map((phase) => phase[key])] as const;
  const above = (key: keyof Phase) => paired(...of(key), (busy, quiet) => busy - quiet);
  const details = (key: 'p99Ms' | 'maxMs') => {
    const [busy, quiet] = of(key);
    return { recordingMs: medianOf(busy), idleMs: medianOf(quiet) };
  };
  const cpuNs = recording.map((phase, round) => (phase.cpuNs - (idle[round] as Phase).cpuNs) / phase.count);
  const rate = `at ${perSecond}/s`;
  return [
    figure(
      {
        measure: 'b4',
        name: `event-loop delay above idle, p99, ${rate}`,
        unit: 'ms',
        target: { op: '<=', value: 2 },
        details: details('p99Ms'),
      },
      above('p99Ms'),
    ),
    figure(
      { measure: 'b4', name: `event-loop delay above idle, longest, ${rate}`, unit: 'ms', details: details('maxMs') },
      above('maxMs'),
    ),
    figure(
      { measure: 'b4', name: `main-thread CPU of one execution, ${rate}`, unit: 'ns' },
      paired(cpuNs, cpuNs, (ns) => ns),
    ),
  ];
};

/** Calls back 20 000 times a second, making the calls that are due each millisecond. */
function pace(durationMs: number, call: (index: number) => void): Promise<Phase> {
  return new Promise((resolve) => {
    const wanted = (durationMs / 1000) * perSecond;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    let count = 0;
    const cpu = process.threadCpuUsage();
    const started = performance.now();
    delay.enable();
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - started;
      const due = Math.min(wanted, Math.floor((elapsedMs / 1000) * perSecond));
      for (; count < due; count += 1) {
        call(count);
      }
      if (count === wanted) {
        clearInterval(timer);
        delay.disable();
        const { user, system } = process.threadCpuUsage(cpu);
        const p99Ms = delay.percentile(99) / 1e6;
        resolve({ p99Ms, maxMs: delay.max / 1e6, cpuNs: (user + system) * 1000, count });
      }
    }, 1);
  });
}
