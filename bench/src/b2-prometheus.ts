import { createAnalytics } from '@toolweaver/analytics-core';
import { prometheus } from '@toolweaver/analytics-prometheus';
import { toolWorkload } from './data.ts';
import { type Figure, figure, type Measure } from './figure.ts';
import { interleave, medianOf, paired, threadCpuNs } from './measure.ts';
import { expectSameMetrics, prometheusByHand } from './prometheus-by-hand.ts';

/** Label sets with organisations are some 10 000 of each metric, of two outcomes each. */
const maxLabelSets = 50_000;

/** As many as there are: so each series is there before the time is taken. */
const distinct = 65_536;

/** What recording one execution of a tool takes of the main thread's CPU: through the client, and with prom-client by hand. */
export const count: Measure = async ({ quick, progress }) => {
  const executions = quick ? 20_000 : 300_000;
  const rounds = quick ? 1 : 7;
  const warmUp = quick ? executions : distinct;
  const figures: Figure[] = [];
  for (const { orgs, target } of [
    { orgs: false, target: 1 / 3 },
    { orgs: true, target: 1 / 8 },
  ]) {
    const load = toolWorkload({ orgs });
    let ours = '';
    let theirs = '';
    const cpuNs = await interleave(
      rounds,
      {
        async client() {
          const backend = await prometheus({ port: false, labels: orgs ? ['org_id'] : [], maxLabelSets });
          const client = createAnalytics({ backends: [backend] });
          const record = (from: number, to: number): void => {
            for (let index = from; index < to; index += 1) {
              client.recordToolInvocation(load.at(index));
            }
          };
          record(0, warmUp);
          const ns = await threadCpuNs(() => record(warmUp, warmUp + executions));
          ours = await backend.scrape();
          await client.close();
          return ns / executions;
        },
        async byHand() {
          const hand = prometheusByHand({ orgs });
          const record = (from: number, to: number): void => {
            for (let index = from; index < to; index += 1) {
              hand.record(load.at(index));
            }
          };
          record(0, warmUp);
          const ns = await threadCpuNs(() => record(warmUp, warmUp + executions));
          theirs = await hand.metrics();
          return ns / executions;
        },
      },
      (text) => progress(`${load.name}: ${text}`),
    );
    expectSameMetrics(theirs, ours);
    const series = theirs.match(/^toolweaver_tool_executions_total\{/gm)?.length ?? 0;
    figures.push(
      figure(
        {
          measure: 'b2',
          name: `main-thread CPU, of prom-client by hand: ${load.name}`,
          unit: 'ratio',
          target: { op: '<=', value: target },
          details: { clientNs: medianOf(cpuNs.client), byHandNs: medianOf(cpuNs.byHand), seriesOfACounter: series },
          note: 'An execution of a tool counts in three counters and a histogram on both sides, of the same names, labels and buckets.',
        },
        paired(cpuNs.client, cpuNs.byHand, (client, hand) => client / hand),
      ),
    );
  }
  return figures;
};
