import { statSync } from 'node:fs';
import type { AnalyticsReader } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import Database from 'better-sqlite3';
import { type Figure, figure, type Measure } from './figure.ts';
import { askedSkills, historyEnd } from './history.ts';
import { interleave, medianOf, quantileOf, summarize } from './measure.ts';
import { openByHand } from './questions-by-hand.ts';
import { storedHistory } from './stored-history.ts';

interface Question {
  readonly name: string;
  /** The goal on the machine for which goals were set. */
  readonly goalMs?: number;
  ask(reader: AnalyticsReader): Promise<unknown>;
}

const { most, middling } = askedSkills;
const questions = {
  leaderboard: {
    name: 'leaderboard with p50, p95 and p99, all time',
    goalMs: 10,
    ask: (reader) => reader.getLeaderboard(),
  },
  usageOfMost: {
    name: 'usage of the most used skill with percentiles, 7 days',
    goalMs: 2,
    ask: (reader) => reader.getSkillUsage(most, { days: 7 }),
  },
  usageOfMiddling: {
    name: 'usage of the 70th skill with percentiles, 7 days',
    goalMs: 2,
    ask: (reader) => reader.getSkillUsage(middling, { days: 7 }),
  },
  series: {
    name: 'series of all skills by the hour, 7 days',
    goalMs: 25,
    ask: (reader) => reader.getTrend({ kind: 'skill', bucket: 'hour', days: 7 }),
  },
  seriesWithUsers: {
    name: 'the same with users and percentiles',
    ask: (reader) => reader.getTrend({ kind: 'skill', bucket: 'hour', days: 7, distributions: true }),
  },
  newest: {
    name: 'the newest 50 executions of a skill',
    goalMs: 1,
    ask: (reader) => reader.listExecutions({ kind: 'skill', name: middling, limit: 50 }),
  },
  summary: {
    name: 'summary of all time',
    ask: (reader) => reader.summary(),
  },
} as const satisfies Record<string, Question>;

type QuestionId = keyof typeof questions;
const ids = Object.keys(questions) as QuestionId[];

/** Time to read one execution on the machine of the goals, where the leaderboard of 10 million took 15.9 s by hand. */
const goalMachineMsEach = 15_863 / 10_000_000;

/** Measures how fast and how exactly the reader answers from a month of executions, and how much disk space they take. */
export const ask: Measure = async (setting) => {
  const { quick, executions, progress } = setting;
  const stored = await storedHistory(setting);
  const rounds = quick ? 1 : 7;
  const calls = quick ? 5 : 30;
  const { now } = Date;
  // Questions about the last days count back from here, no matter when the file was made.
  Date.now = () => historyEnd;
  const backend = await sqlite({ path: stored.store });
  const hand = openByHand(stored.byHand);
  try {
    const { reader } = backend;
    const firstMs = {} as Record<QuestionId, number>;
    for (const id of ids) {
      progress(`first call, ${id}`);
      firstMs[id] = await milliseconds(() => questions[id].ask(reader));
    }
    const ms = await interleave(
      rounds,
      arms((id) => repeat(calls, () => questions[id].ask(reader))),
      progress,
    );
    const byHandMs = await interleave(
      1,
      arms((id) => repeatFor(3_000, () => hand[id]())),
      progress,
      false,
    );
    const slowness = Math.max(1, medianOf(byHandMs.leaderboard.flat()) / (goalMachineMsEach * executions));
    return [
      ...ids.map((id): Figure => {
        const { name, goalMs }: Question = questions[id];
        return figure(
          {
            measure: 'b5',
            name: `${name}, of ${executions / 1e6} million`,
            unit: 'ms',
            ...(goalMs !== undefined && { target: { op: '<=', value: goalMs * slowness } }),
            details: {
              p95Ms: quantileOf(ms[id].flat(), 0.95),
              firstMs: firstMs[id],
              ...(goalMs !== undefined && { goalMs, slowness }),
              byHandMs: medianOf(byHandMs[id].flat()),
            },
            note: 'The target is the goal times how much slower than on the machine of the goals the leaderboard by hand is here. firstMs: the first such call of a process, the very first also starts the thread that answers. The file may be in the cache of the system.',
          },
          summarize(ms[id].map(medianOf)),
        );
      }),
      await errorOfPercentiles(reader, stored.byHand, progress),
      size(stored.store, executions),
    ];
  } finally {
    Date.now = now;
    hand.close();
    await backend.close?.();
  }
};

function arms<R>(run: (id: QuestionId) => R): Record<QuestionId, () => R> {
  return Object.fromEntries(ids.map((id) => [id, () => run(id)])) as Record<QuestionId, () => R>;
}

async function repeat(calls: number, call: () => Promise<unknown>): Promise<number[]> {
  const ms: number[] = [];
  for (let left = calls; left > 0; left -= 1) {
    ms.push(await milliseconds(call));
  }
  return ms;
}

/** Repeats a call for some time, at least once. */
async function repeatFor(durationMs: number, call: () => unknown): Promise<number[]> {
  const deadline = performance.now() + durationMs;
  const ms: number[] = [];
  do {
    ms.push(await milliseconds(call));
  } while (performance.now() < deadline && ms.length < 30);
  return ms;
}

async function milliseconds(call: () => unknown): Promise<number> {
  const started = performance.now();
  await call();
  return performance.now() - started;
}

/** The error of every percentile on the leaderboard, compared with that of the latencies themselves. */
async function errorOfPercentiles(
  reader: AnalyticsReader,
  byHand: string,
  progress: (text: string) => void,
): Promise<Figure> {
  const db = new Database(byHand, { readonly: true });
  const latencies = db.prepare('SELECT latency_ms FROM executions WHERE name = ? AND latency_ms IS NOT NULL').pluck();
  const errors: number[] = [];
  try {
    for (const { name, executions, latencyMs } of await reader.getLeaderboard()) {
      progress(`percentiles of ${name}`);
      const sorted = Float64Array.from(latencies.all(name) as number[]).sort();
      if (sorted.length !== executions) {
        throw new Error(`the leaderboard has ${executions} executions of ${name}, the table by hand ${sorted.length}`);
      }
      for (const [share, found] of [
        [0.5, latencyMs.p50],
        [0.95, latencyMs.p95],
        [0.99, latencyMs.p99],
      ] as const) {
        const exact = quantileOf(sorted, share);
        errors.push(found === null ? Number.POSITIVE_INFINITY : Math.abs(found - exact) / exact);
      }
    }
  } finally {
    db.close();
  }
  return figure(
    {
      measure: 'b5',
      name: 'largest error of the percentiles on the leaderboard, of the value',
      unit: 'ratio',
      target: { op: '<=', value: 0.01 },
      details: { percentiles: errors.length, medianError: medianOf(errors) },
    },
    summarize([Math.max(...errors)]),
  );
}

function size(store: string, executions: number): Figure {
  const db = new Database(store, { readonly: true });
  try {
    const pages = db.prepare('SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE').all() as {
      name: string;
      pgsize: number;
    }[];
    const bytesOf = (matches: (name: string) => boolean): number =>
      pages.filter(({ name }) => matches(name)).reduce((sum, { pgsize }) => sum + pgsize, 0) / executions;
    return figure(
      {
        measure: 'b5',
        name: 'disk space of an execution',
        unit: 'bytes',
        target: { op: '<=', value: 120 },
        details: {
          rowBytes: bytesOf((name) => name === 'execution_events'),
          indexBytes: bytesOf((name) => name.startsWith('execution_events_')),
          rollupBytes: bytesOf((name) => name.startsWith('rollup')),
        },
      },
      summarize([statSync(store).size / executions]),
    );
  } finally {
    db.close();
  }
}
