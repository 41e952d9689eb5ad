import { createAnalytics } from '@toolweaver/analytics-core';
import { otlp } from '@toolweaver/analytics-otlp';
import { prometheus } from '@toolweaver/analytics-prometheus';
import { distinct, toolWorkload, workload } from './data.ts';
import { interleave, threadCpuNs } from './measure.ts';
import { otelByHand } from './otel-by-hand.ts';
import { expectSameMetrics, prometheusByHand } from './prometheus-by-hand.ts';

// Prints what recording an execution takes of the main thread's CPU, through the client and by hand, in ns for each round.
// One client and one registry, as a program has them: code that served several clients is slower.

export interface RecordingTask {
  readonly into: 'prometheus' | 'otlp';
  readonly of: 'skill' | 'tool';
  readonly orgs: boolean;
  readonly rounds: number;
  /** A round. */
  readonly executions: number;
  /** The receiver of what is pushed to. */
  readonly url: string;
}

export interface RecordingTimes {
  readonly clientNs: readonly number[];
  readonly byHandNs: readonly number[];
  /** Of the counter of executions. */
  readonly labelSets: number;
}

const task: RecordingTask = JSON.parse(process.argv[2] as string);
const { into, of, orgs, rounds, executions, url } = task;
/** Label sets with organisations are some 10 000 of each metric, of two outcomes each. */
const metrics = { labels: orgs ? (['org_id'] as const) : [], maxLabelSets: 50_000 };

/** Starts both sides; each records executions of the workload, and ends with a check. */
const sides = into === 'prometheus' ? await withPrometheus() : await withOtlp();

async function withPrometheus() {
  const backend = await prometheus({ ...metrics, port: false });
  const client = createAnalytics({ backends: [backend] });
  const hand = prometheusByHand({ orgs });
  return {
    client,
    hand: { recordSkill: hand.recordSkill, recordTool: hand.record },
    async end() {
      await client.close();
      const theirs = await hand.metrics();
      expectSameMetrics(theirs, await backend.scrape());
      return theirs.match(new RegExp(`^toolweaver_${of}_executions_total\\{`, 'gm'))?.length ?? 0;
    },
  };
}

async function withOtlp() {
  const backend = await otlp({ ...metrics, endpoint: url, pushIntervalMs: 86_400_000, random: () => 1 });
  const client = createAnalytics({ backends: [backend] });
  const hand = otelByHand({ orgs, limit: metrics.maxLabelSets });
  return {
    client,
    hand: { recordSkill: hand.record, recordTool: hand.recordTool },
    async end() {
      const { ok } = await client.close();
      if (!ok || client.stats().backends['otlp']?.delivered !== recorded) {
        throw new Error('the client has lost executions');
      }
      const points = await hand.points(`toolweaver_${of}_executions_total`);
      await hand.close();
      return points;
    },
  };
}

function recorders(): { readonly client: (index: number) => void; readonly byHand: (index: number) => void } {
  const { client, hand } = sides;
  if (of === 'skill') {
    const load = workload({ orgs, tokens: false });
    return {
      client: (index) => client.recordSkillExecution(load.at(index)),
      byHand: (index) => hand.recordSkill(load.at(index)),
    };
  }
  const load = toolWorkload({ orgs });
  return {
    client: (index) => client.recordToolInvocation(load.at(index)),
    byHand: (index) => hand.recordTool(load.at(index)),
  };
}

const { client, byHand } = recorders();
let recorded = 0;
function each(record: (index: number) => void, from: number, to: number): void {
  for (let index = from; index < to; index += 1) {
    record(index);
  }
}

each(client, 0, distinct);
each(byHand, 0, distinct);
recorded = distinct;
const next = { client: distinct, byHand: distinct };
const nsOf = (side: keyof typeof next, record: (index: number) => void) => async (): Promise<number> => {
  const from = next[side];
  next[side] += executions;
  return (await threadCpuNs(() => each(record, from, from + executions))) / executions;
};
const ns = await interleave(rounds, { client: nsOf('client', client), byHand: nsOf('byHand', byHand) }, () => {});
recorded = next.client;
const labelSets = await sides.end();
const times: RecordingTimes = { clientNs: ns.client, byHandNs: ns.byHand, labelSets };
process.stdout.write(JSON.stringify(times));
