import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { createCells } from '@toolweaver/analytics-metrics';
import { execution, health } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test } from 'vitest';
import { takeSnapshot } from '../src/snapshot.ts';
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

/** The top of a group, and another thread below it that answers as it is told. */
function setUp() {
  const metrics = createCells()
    .families()
    .map(({ metric }) => metric);
  const top = joinGroup({ group, metrics, maxLabelSets: 100, take: () => [] });
  const channel = new BroadcastChannel('@toolweaver/analytics-prometheus');
  onTestFinished(async () => {
    await top.close();
    channel.close();
  });
  let answer: (() => Partial<Report> | undefined) | undefined;
  const send = (report: Partial<Report>): void =>
    channel.postMessage({ op: 'report', group, member: 'other', threadId, ...report } satisfies Report);
  channel.onmessage = (event: unknown) => {
    const message = (event as { data: Message }).data;
    const report = message.op === 'ask' && message.request !== undefined ? answer?.() : undefined;
    if (report !== undefined) {
      send({ request: (message as { request: number }).request, ...report });
    }
  };
  return {
    send,
    answerWith(report: typeof answer) {
      answer = report;
    },
    /** What a scrape shows: executions, and the score. */
    async shown(): Promise<[executions: number | undefined, score: number | undefined]> {
      const families = await top.collect();
      const firstOf = (name: string) => families.find(({ metric }) => metric.name === name)?.values[0];
      return [firstOf('toolweaver_skill_executions_total'), firstOf('toolweaver_skill_health_score')];
    },
  };
}

/** Until what was sent has come. */
const delivered = (): Promise<void> => sleep(20);

test('what comes after the last message of its sender counts nothing twice', async () => {
  const { send, shown } = setUp();
  send({ ...counted(2), isLast: true });
  await delivered();
  expect(await shown()).toEqual([2, undefined]);
  send(counted(2));
  await delivered();
  expect(await shown()).toEqual([2, undefined]);
});

test('an answer to an older question does not replace that to a newer one', async () => {
  const { send, answerWith, shown } = setUp();
  answerWith(() => counted(5));
  send({});
  await delivered();
  expect(await shown()).toEqual([5, undefined]);
  send({ request: 0, ...counted(3) });
  answerWith(() => ({}));
  await delivered();
  expect(await shown()).toEqual([5, undefined]);
});

test('one that was silent for long is waited for again once it has said something', async () => {
  const { send, answerWith, shown } = setUp();
  send(counted(1, 80));
  await delivered();
  for (const score of [80, 80, undefined]) {
    expect(await shown()).toEqual([1, score]);
  }
  send({});
  answerWith(() => counted(2, 70));
  await delivered();
  expect(await shown()).toEqual([2, 70]);
});

test('the score of a thread goes with it, and what it counted stays', async () => {
  const { send, shown } = setUp();
  const thread = Object.assign(new EventEmitter(), { threadId });
  process.emit('worker', thread as never);
  send(counted(1, 80));
  await delivered();
  thread.emit('exit');
  expect(await shown()).toEqual([1, undefined]);
});
