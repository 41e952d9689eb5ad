import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Analytics, createAnalytics, type SkillExecutionInput } from '@toolweaver/analytics-core';
import { otlp } from '@toolweaver/analytics-otlp';
import { type Figure, figure, type Measure, type Setting } from './figure.ts';
import { interleave, medianOf, paired, summarize, threadCpuNs } from './measure.ts';
import { type OtelByHand, otelByHand } from './otel-by-hand.ts';
import { type OtlpReceiver, otlpReceiver } from './otlp-receiver.ts';
import { recording } from './recording.ts';

/** More than any measurement creates, except the last. */
const maxLabelSets = 20_000;
const dayMs = 86_400_000;
const counter = 'toolweaver_skill_executions_total';

/** Measures recording, pushing and holding metrics, with the OTLP backend and with OpenTelemetry's SDK by hand. */
export const push: Measure = async (setting) => {
  const receiver = await otlpReceiver();
  const common = { measure: 'b2o', into: 'otlp', peer: "OpenTelemetry's SDK", url: receiver.url } as const;
  try {
    return [
      await recording(setting, { ...common, of: 'tool', orgs: false, target: 1 / 5 }),
      await recording(setting, { ...common, of: 'tool', orgs: true, target: 1 / 10 }),
      await recording(setting, { ...common, of: 'skill', orgs: false }),
      await recording(setting, { ...common, of: 'skill', orgs: true }),
      ...(await pushing(setting, receiver)),
      await holding(setting, receiver),
    ];
  } finally {
    await receiver.close();
  }
};

async function clientOf({ url }: OtlpReceiver): Promise<Analytics> {
  const backend = await otlp({
    endpoint: url,
    maxLabelSets,
    pushIntervalMs: dayMs,
    random: () => 1,
  });
  return createAnalytics({ backends: [backend] });
}

interface Push {
  readonly cpuMs: number;
  readonly stallMs: number;
}

function fill(record: (execution: SkillExecutionInput) => void, labelSets: number): void {
  for (let number = 0; number < labelSets; number += 1) {
    record({ skillId: `skill_${number}`, success: number % 20 !== 0, latencyMs: (number * 37) % 9000 });
  }
}

async function pushing({ quick, progress }: Setting, receiver: OtlpReceiver): Promise<Figure[]> {
  const labelSets = quick ? 2000 : 10_000;
  const client = await clientOf(receiver);
  const hand = otelByHand({ orgs: false, limit: maxLabelSets });
  fill(client.recordSkillExecution, labelSets);
  fill(hand.record, labelSets);
  const pushes = await interleave(
    quick ? 1 : 9,
    {
      client: () =>
        observed(async () => {
          const { ok } = await client.flush();
          if (!ok) {
            throw new Error('the push failed');
          }
        }),
      byHand: () => observed(hand.prepare),
    },
    (text) => progress(`pushing ${labelSets} label sets: ${text}`),
  );
  await receiver.bytes();
  await client.flush();
  const details = {
    kilobytes: Math.round((await receiver.bytes()) / 1024),
    byHandKilobytes: Math.round((await hand.prepare()).length / 1024),
  };
  await client.close();
  await hand.close();
  const of = (side: readonly Push[], what: keyof Push): number[] => side.map((one) => one[what]);
  const text = `a push of ${labelSets} label sets (3 counters, 1 histogram)`;
  return [
    figure(
      {
        measure: 'b2o',
        name: `main-thread CPU of ${text}, of the SDK's`,
        unit: 'ratio',
        target: { op: '<=', value: 1 },
        details: {
          clientMs: medianOf(of(pushes.client, 'cpuMs')),
          byHandMs: medianOf(of(pushes.byHand, 'cpuMs')),
          ...details,
        },
        note: 'The SDK collects, serializes and compresses; the client also sends, and waits for the answer.',
      },
      paired(of(pushes.client, 'cpuMs'), of(pushes.byHand, 'cpuMs'), (client, byHand) => client / byHand),
    ),
    figure(
      {
        measure: 'b2o',
        name: `longest event-loop delay in ${text}`,
        unit: 'ms',
        details: { byHandMs: medianOf(of(pushes.byHand, 'stallMs')) },
      },
      summarize(of(pushes.client, 'stallMs')),
    ),
  ];
}

async function observed(work: () => Promise<unknown>): Promise<Push> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(20);
  delay.reset();
  const cpuNs = await threadCpuNs(async () => void (await work()));
  await sleep(5);
  delay.disable();
  return { cpuMs: cpuNs / 1e6, stallMs: delay.max / 1e6 };
}

/** Offers label sets in rounds, each followed by a collection, because the SDK's limit applies to a single round. */
async function holding({ quick, progress }: Setting, receiver: OtlpReceiver): Promise<Figure> {
  const offered = quick ? 10_000 : 50_000;
  const round = 1500;
  const limit = 2000;
  progress(`holding ${offered} label sets`);
  const backend = await otlp({ endpoint: receiver.url, protocol: 'http/json', pushIntervalMs: dayMs, random: () => 1 });
  const client = createAnalytics({ backends: [backend] });
  const hand: OtelByHand = otelByHand({ orgs: false, limit });
  for (let number = 0; number < offered; number += 1) {
    const execution = { skillId: `skill_${number}`, success: true, latencyMs: 5 };
    client.recordSkillExecution(execution);
    hand.record(execution);
    if (number % round === round - 1) {
      await hand.points(counter);
    }
  }
  await client.flush();
  const details = { offered, byHandPoints: await hand.points(counter) };
  const points = await receiver.points();
  await client.close();
  await hand.close();
  return figure(
    {
      measure: 'b2o',
      name: `points that a counter holds of ${offered} label sets, at a limit of ${limit}`,
      unit: 'points',
      target: { op: '<=', value: limit + 1 },
      details,
    },
    summarize([points]),
  );
}
