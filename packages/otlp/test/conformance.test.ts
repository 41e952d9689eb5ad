import { otlp } from '@toolweaver/analytics-otlp';
import { type Subject, testBackend } from '@toolweaver/analytics-testkit';
import { describe, test } from 'vitest';
import { observe } from './support/observe.ts';
import { startReceiver } from './support/receiver.ts';

const counters = 'counters cannot recognise an event that they have counted';
const noRows = 'metrics hold sums, not single events';
const noRuns = 'what belongs to one run makes no metric';

describe.each(['http/protobuf', 'http/json'] as const)('otlp() by %s', (protocol) => {
  testBackend({
    test,
    async create(): Promise<Subject> {
      const receiver = await startReceiver();
      const token = 'glc_0123456789-secret';
      const open = () =>
        otlp({ endpoint: receiver.url, instanceId: '12345', token, protocol, retry: { minDelayMs: 1, maxDelayMs: 2 } });
      return {
        backend: await open(),
        observe: () => observe(receiver.requests),
        breakFarSide: receiver.pause,
        repairFarSide: receiver.start,
        reopen: open,
        secrets: [token, Buffer.from(`12345:${token}`).toString('base64')],
        dispose: receiver.stop,
      };
    },
    skip: [
      { law: 'an event that is delivered again counts once', reason: counters },
      { law: 'an event that is delivered again after a restart counts once', reason: counters },
      { law: 'every field of every event survives', reason: noRows },
      { law: 'the weight of a sampled execution survives', reason: noRows },
      { law: 'what an event does not say stays unknown', reason: noRows },
      { law: 'hostile text survives in every field', reason: noRows },
      { law: 'numbers and times at the limits of core survive', reason: noRows },
      { law: 'texts at the limits of core survive', reason: noRows },
      { law: 'attributes, metrics, tags and bytes at the limits of core survive', reason: noRows },
      { law: 'any amount of money survives to the nano-dollar', reason: noRows },
      { law: 'logged metrics arrive', reason: noRuns },
      { law: 'the state of a run arrives', reason: noRuns },
      { law: 'a later start of a run changes what it says, and keeps the rest', reason: noRuns },
      { law: 'artifacts arrive', reason: noRuns },
    ],
  });
});
