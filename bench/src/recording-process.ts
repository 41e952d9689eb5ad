import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAnalytics } from '@toolweaver/analytics-core';
import { otlp } from '@toolweaver/analytics-otlp';
import { prometheus } from '@toolweaver/analytics-prometheus';
import { byHand, countRows } from './by-hand.ts';
import { recordSome, roomInQueue, sqliteClient } from './client.ts';
import { distinct, toolWorkload, workload } from './data.ts';
import { interleave, threadCpuNs } from './measure.ts';
import { otelByHand } from './otel-by-hand.ts';
import { expectSameMetrics, prometheusByHand } from './prometheus-by-hand.ts';

// Prints the main thread's CPU time per recorded execution, through the client and by hand, in ns for each round.
// Uses one client and one registry, as a program does: code that has served several clients is slower.

export interface RecordingTask {
  /** `all`: SQLite, Prometheus and OTLP. */
  readonly into: 'prometheus' | 'otlp' | 'all';
  readonly of: 'skill' | 'tool';
  readonly orgs: boolean;
  readonly rounds: number;
  /** The number of executions per round. */
  readonly executions: number;
  /** The URL of the receiver of pushes. */
  readonly url: string;
}

export interface RecordingTimes {
  readonly clientNs: readonly number[];
  readonly byHandNs: readonly number[];
  /** The label sets of the counter of executions. */
  readonly labelSets: number;
}

/** Records the executions of the workload from index `from` to below `to`. */
type Recorder = (from: number, to: number) => void | Promise<void>;

interface Sides {
  readonly client: Recorder;
  readonly byHand: Recorder;
  /**
   * Returns the label sets of the counter of executions.
   * @throws Error where one side holds something else than was recorded, or than the other one.
   */
  end(recorded: number): Promise<number>;
}

const { into, of, orgs, rounds, executions, url }: RecordingTask = JSON.parse(process.argv[2] as string);
/** With organisations, each metric has some 10 000 label sets, with two outcomes each. */
const metrics = { labels: orgs ? (['org_id'] as const) : [], maxLabelSets: 50_000 };
const counter = `toolweaver_${of}_executions_total`;
const skills = workload({ orgs, tokens: false });
const tools = toolWorkload({ orgs });

const openOtlp = () => otlp({ ...metrics, endpoint: url, pushIntervalMs: 86_400_000, random: () => 1 });

function each<T>(at: (index: number) => T, record: (one: T) => void): Recorder {
  return (from, to) => {
    for (let index = from; index < to; index += 1) {
      record(at(index));
    }
  };
}

async function withPrometheus(): Promise<Sides> {
  const backend = await prometheus({ ...metrics, port: false });
  const client = createAnalytics({ backends: [backend] });
  const hand = prometheusByHand({ orgs });
  return {
    client: of === 'skill' ? each(skills.at, client.recordSkillExecution) : each(tools.at, client.recordToolInvocation),
    byHand: of === 'skill' ? each(skills.at, hand.recordSkill) : each(tools.at, hand.record),
    async end() {
      await client.close();
      const theirs = await hand.metrics();
      expectSameMetrics(theirs, await backend.scrape());
      return theirs.match(new RegExp(`^${counter}\\{`, 'gm'))?.length ?? 0;
    },
  };
}

async function withOtlp(): Promise<Sides> {
  const client = createAnalytics({ backends: [await openOtlp()] });
  const hand = otelByHand({ orgs, limit: metrics.maxLabelSets });
  return {
    client: of === 'skill' ? each(skills.at, client.recordSkillExecution) : each(tools.at, client.recordToolInvocation),
    byHand: of === 'skill' ? each(skills.at, hand.record) : each(tools.at, hand.recordTool),
    async end(recorded) {
      const { ok } = await client.close();
      if (!ok || client.stats().backends['otlp']?.delivered !== recorded) {
        throw new Error('the client has lost executions');
      }
      const points = await hand.points(counter);
      await hand.close();
      return points;
    },
  };
}

async function withAll(): Promise<Sides> {
  const folder = mkdtempSync(join(tmpdir(), 'recording-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const shown = await prometheus({ ...metrics, port: false });
  const ours = await sqliteClient(join(folder, 'client.db'), [shown, await openOtlp()]);
  const path = join(folder, 'by-hand.db');
  const rows = byHand({ path, columns: 'id' });
  const scraped = prometheusByHand({ orgs });
  const pushed = otelByHand({ orgs, limit: metrics.maxLabelSets });
  return {
    async client(from, to) {
      await recordSome(ours.client, skills, from, to);
      await roomInQueue(ours.client, 0);
    },
    async byHand(from, to) {
      for (let index = from; index < to; index += 1) {
        const execution = skills.at(index);
        rows.record(execution);
        scraped.recordSkill(execution);
        pushed.record(execution);
      }
      rows.flush();
    },
    async end(recorded) {
      await ours.closeWith(recorded);
      const theirs = await scraped.metrics();
      expectSameMetrics(theirs, await shown.scrape());
      rows.close();
      await pushed.close();
      if (countRows(path) !== recorded) {
        throw new Error('the loop by hand has lost rows');
      }
      return theirs.match(new RegExp(`^${counter}\\{`, 'gm'))?.length ?? 0;
    },
  };
}

const sides = await { prometheus: withPrometheus, otlp: withOtlp, all: withAll }[into]();
await sides.client(0, distinct);
await sides.byHand(0, distinct);
const next = { client: distinct, byHand: distinct };
const nsOf = (side: keyof typeof next) => async (): Promise<number> => {
  const from = next[side];
  next[side] += executions;
  return (await threadCpuNs(() => sides[side](from, from + executions))) / executions;
};
const ns = await interleave(rounds, { client: nsOf('client'), byHand: nsOf('byHand') }, () => {});
const labelSets = await sides.end(next.client);
const times: RecordingTimes = { clientNs: ns.client, byHandNs: ns.byHand, labelSets };
process.stdout.write(JSON.stringify(times));
