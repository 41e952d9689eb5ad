import { execution, rating } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { backendOfTest, flush, receiverOfTest } from './support/pushed.ts';
import type { Received, Receiver } from './support/receiver.ts';

const logsOf = ({ requests }: Receiver): Received[] =>
  requests.filter(({ path }) => path === '/otlp/v1/logs') as Received[];

async function evaluating() {
  const receiver = await receiverOfTest();
  const notices: unknown[] = [];
  const backend = await backendOfTest({
    endpoint: `${receiver.url}/otlp`,
    evaluationEvents: true,
    onNotice: (notice) => notices.push(notice),
  });
  return { receiver, notices, backend };
}

describe.each(['http/protobuf', 'http/json'] as const)('by %s', (protocol) => {
  test('a rating is an evaluation event beside the metrics, without comment and user', async () => {
    const receiver = await receiverOfTest();
    const backend = await backendOfTest({ endpoint: `${receiver.url}/otlp`, protocol, evaluationEvents: true });
    const { id } = execution();
    backend.write([rating({ rating: 5, comment: 'thanks', userId: 'ada', executionId: id }), execution()]);
    await flush(backend);
    const [request] = logsOf(receiver);
    expect(request?.decoded()).toMatchObject({
      resource: { 'service.name': 'toolweaver' },
      logs: [
        {
          eventName: 'gen_ai.evaluation.result',
          attributes: {
            'gen_ai.evaluation.name': 'rating',
            'gen_ai.evaluation.score.value': 5,
            'toolweaver.skill.id': 'summarise',
            'toolweaver.execution.id': id,
          },
        },
      ],
    });
    expect(Object.keys(request?.decoded().logs[0]?.attributes ?? {})).toHaveLength(4);
    // Once.
    await flush(backend);
    expect(logsOf(receiver)).toHaveLength(1);
  });
});

test('there are none unless asked for', async () => {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ endpoint: `${receiver.url}/otlp` });
  backend.write([rating()]);
  await flush(backend);
  expect(logsOf(receiver)).toEqual([]);
});

test('what the receiver could not take waits; what it refused does not', async () => {
  const { receiver, notices, backend } = await evaluating();
  const answerLogs = (status: number): void =>
    receiver.script((response, _, { url }) => void response.writeHead(url?.endsWith('/logs') ? status : 200).end());

  backend.write([rating({ rating: 1 })]);
  answerLogs(500);
  await expect(flush(backend)).rejects.toThrow('/otlp/v1/logs answered 500');
  backend.write([rating({ rating: 2 })]);
  answerLogs(400);
  await expect(flush(backend)).rejects.toThrow('/otlp/v1/logs answered 400');
  const scores = logsOf(receiver).map((request) =>
    request.decoded().logs.map(({ attributes }) => attributes['gen_ai.evaluation.score.value']),
  );
  expect(scores).toEqual([[1], [1, 2]]);
  expect(notices).toMatchObject([{ code: 'EVENTS_DROPPED', message: expect.stringContaining('2 evaluation events') }]);
  await flush(backend);
  expect(logsOf(receiver)).toHaveLength(2);
});

test('of what is refused in part, that part is given up', async () => {
  const { receiver, notices, backend } = await evaluating();
  receiver.script((response, _, { url }) => {
    const partialSuccess = url?.endsWith('/logs') ? { rejectedLogRecords: '1', errorMessage: 'odd' } : {};
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ partialSuccess }));
  });
  for (let count = 0; count < 10; count += 1) {
    backend.write([rating()]);
  }
  await expect(flush(backend)).rejects.toThrow('refused 1 of what was sent: odd');
  expect(notices).toMatchObject([{ message: expect.stringContaining('gave up 1 evaluation events') }]);
});

test('what waits at the end is given up, and told of', async () => {
  const { receiver, notices, backend } = await evaluating();
  receiver.script((response) => void response.writeHead(500).end());
  backend.write([rating()]);
  await backend.close?.();
  expect(notices).toContainEqual(
    expect.objectContaining({ code: 'EVENTS_DROPPED', message: expect.stringContaining('gave up 1 evaluation') }),
  );
});

test('so many wait, and no more', async () => {
  const { receiver, notices, backend } = await evaluating();
  for (let count = 0; count < 5000; count += 1) {
    backend.write([rating()]);
  }
  expect(notices).toMatchObject([{ code: 'EVENTS_DROPPED' }]);
  await flush(backend);
  expect(logsOf(receiver)[0]?.decoded().logs).toHaveLength(4096);
});
