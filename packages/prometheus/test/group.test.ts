import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { createAnalytics } from '@toolweaver/analytics-core';
import { createCells } from '@toolweaver/analytics-metrics';
import { prometheus } from '@toolweaver/analytics-prometheus';
import { execution, health } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type FamilySnapshot, takeSnapshot } from '../src/snapshot.ts';
import { joinGroup } from '../src/workers/group.ts';
import { type Message, type Report, toWire } from '../src/workers/message.ts';

// What others send is made up here: real threads and processes are not late, or silent, at will.

const group = 'test';
const threadId = 7;

function counted(executions: number, score?: number): Pick<Report, 'families'> {
  const cells = createCells();
  for (let number = 0; number < executions; number += 1) {
    cells.record(execution({ name: 'parse' }));
  }
  if (score !== undefined) {
    cells.record(health({ skillId: 'parse', score }));
  }
  return { families: takeSnapshot(cells).map(toWire) };
}

/** One call of a tool that took as many seconds as it cost dollars. */
function paid(usd: number): FamilySnapshot[] {
  const cells = createCells();
  const cost = { nanoUsd: usd * 1e9, source: 'provider' } as const;
  cells.record(execution({ kind: 'tool', name: 'read', latencyMs: usd * 1000, cost }));
  return takeSnapshot(cells);
}

/** The top of a group, and other threads below it that answer as they are told. */
function setUp(take: () => FamilySnapshot[] = () => []) {
  const metrics = createCells()
    .families()
    .map(({ metric }) => metric);
  const top = joinGroup({ group, metrics, maxLabelSets: 100, take });
  const channel = new BroadcastChannel('@toolweaver/analytics-prometheus');
  onTestFinished(async () => {
    await top.close();
    channel.close();
  });
  let answers: readonly Partial<Report>[] = [];
  let delivered = (): void => {};
  const post = (message: Message): void => channel.postMessage(message);
  const report = (given: Partial<Report>): void => post({ op: 'report', group, member: 'other', threadId, ...given });
  channel.onmessage = (event: unknown) => {
    const message = (event as { data: Message }).data;
    if (message.op === 'present') {
      delivered();
    } else if (message.op === 'ask' && message.request !== undefined) {
      for (const answer of answers) {
        report({ request: message.request, ...answer });
      }
    }
  };
  return {
    /** Resolves once the top has it: a channel keeps the order, so the answer to the probe comes later. */
    send(given: Partial<Report>): Promise<void> {
      report(given);
      post({ op: 'probe', group, member: 'other' });
      return new Promise((resolve) => {
        delivered = resolve;
      });
    },
    collect: top.collect,
    answerWith(...given: readonly Partial<Report>[]) {
      answers = given;
    },
    /** What a scrape shows: executions, and the score. */
    async shown(): Promise<[executions: number | undefined, score: number | undefined]> {
      const families = await top.collect();
      const firstOf = (name: string) => families.find(({ metric }) => metric.name === name)?.values[0];
      return [firstOf('toolweaver_skill_executions_total'), firstOf('toolweaver_skill_health_score')];
    },
  };
}

test('a backend that cannot start leaves its group', async () => {
  const Registry = class {};
  const collectDefaultMetrics = (): never => expect.fail('no metrics of Node');
  vi.doMock('prom-client', () => ({ Registry, collectDefaultMetrics }));
  onTestFinished(() => void vi.doUnmock('prom-client'));
  const before = process.listenerCount('worker');
  const starting = prometheus({ workers: true, defaultMetrics: true, port: false });
  expect(process.listenerCount('worker')).toBe(before + 1);
  await expect(starting).rejects.toThrow('no metrics of Node');
  expect(process.listenerCount('worker')).toBe(before);
});

test('what comes after the last message of its sender counts nothing twice', async () => {
  const { send, shown } = setUp();
  await send({ ...counted(2), isLast: true });
  expect(await shown()).toEqual([2, undefined]);
  await send(counted(2));
  expect(await shown()).toEqual([2, undefined]);
});

test('an answer to an older question does not replace that to a newer one', async () => {
  const { send, answerWith, shown } = setUp();
  answerWith(counted(5));
  await send({});
  expect(await shown()).toEqual([5, undefined]);
  await send({ request: 0, ...counted(3) });
  answerWith({});
  expect(await shown()).toEqual([5, undefined]);
});

test('one that was silent for long is waited for again once it has said something', async () => {
  const { send, answerWith, shown } = setUp();
  await send(counted(1, 80));
  for (const score of [80, 80, undefined]) {
    expect(await shown()).toEqual([1, score]);
  }
  await send({});
  answerWith(counted(2, 70));
  expect(await shown()).toEqual([2, 70]);
});

test('the score of a thread goes with it, and what it counted stays', async () => {
  const { send, shown } = setUp();
  const thread = Object.assign(new EventEmitter(), { threadId });
  process.emit('worker', thread as never);
  await send(counted(1, 80));
  thread.emit('exit');
  expect(await shown()).toEqual([1, undefined]);
});

/** Time stands still: however slow the machine is, a thread's last messages come before they are no longer waited for. */
function neverLate(): void {
  const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  onTestFinished(() => now.mockRestore());
}

test('what a thread counted last is shown when its end is heard of first', async () => {
  const { send, shown } = setUp();
  const thread = Object.assign(new EventEmitter(), { threadId });
  process.emit('worker', thread as never);
  await send(counted(1));
  neverLate();
  thread.emit('exit');
  const showing = shown();
  await sleep(100);
  await send({ ...counted(3), isLast: true });
  expect(await showing).toEqual([3, undefined]);
});

test('what a thread sent is shown when its end is heard of before all of it', async () => {
  const { send, shown } = setUp();
  const thread = Object.assign(new EventEmitter(), { threadId });
  process.emit('worker', thread as never);
  neverLate();
  thread.emit('exit');
  void send({});
  void send({ ...counted(3), isLast: true });
  expect(await shown()).toEqual([3, undefined]);
});

test('no sum falls in its last digit when a thread ends and the same numbers are added up in another order', async () => {
  const { send, answerWith, collect } = setUp(() => paid(0.3));
  const [first, second] = [0.1, 0.2].map((usd) => ({ member: `${usd}`, families: paid(usd).map(toWire) }));
  await send(first as Partial<Report>);
  await send(second as Partial<Report>);
  answerWith(first as Partial<Report>, second as Partial<Report>);
  const before = await collect();
  await send({ ...second, isLast: true });
  const after = await collect();
  const sums = (families: readonly FamilySnapshot[]) =>
    ['toolweaver_tool_cost_usd_total', 'toolweaver_tool_duration_seconds'].map((name) =>
      families.find(({ metric }) => metric.name === name)?.values.at(-1),
    );
  expect(sums(before)).toEqual([0.6000000000000001, 0.6000000000000001]);
  expect(sums(after)).toEqual(sums(before));
});

test('the limit of label sets is not for what a client says of itself', async () => {
  const backend = await prometheus({ workers: true, port: false, maxLabelSets: 2 });
  const client = createAnalytics({ backends: [backend] });
  onTestFinished(async () => void (await client.close()));
  client.recordToolInvocation({ toolName: '', success: true });
  for (const toolName of ['a', 'b', 'c']) {
    client.recordToolInvocation({ toolName, success: true });
  }
  const text = await backend.scrape();
  expect(text).toContain('events_total{backend="prometheus",outcome="dropped",reason="invalid"} 1');
  expect(text).toContain('events_total{backend="prometheus",outcome="delivered",reason=""} 3');
  expect(text).toContain('tool_executions_total{status="success",otel_metric_overflow="true"} 2');
});
