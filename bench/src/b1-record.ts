import { otlp } from '@toolweaver/analytics-otlp';
import { prometheus } from '@toolweaver/analytics-prometheus';
import { byHand, countRows } from './by-hand.ts';
import { recordAll, sqliteClient } from './client.ts';
import { workload } from './data.ts';
import { type Figure, figure, type Measure, type Setting } from './figure.ts';
import { interleave, medianOf, paired, threadCpuNs } from './measure.ts';
import { otelByHand } from './otel-by-hand.ts';
import { type OtlpReceiver, otlpReceiver } from './otlp-receiver.ts';
import { expectSameMetrics, prometheusByHand } from './prometheus-by-hand.ts';

/** Above what any measure makes. */
const maxLabelSets = 20_000;
const dayMs = 86_400_000;

/** What recording one execution takes of the main thread's CPU, through the client and by hand. */
export const record: Measure = async (setting) => {
  const receiver = await otlpReceiver();
  try {
    return [
      ...(await intoSqlite(setting)),
      await intoAll(setting, receiver, false, 1 / 8),
      await intoAll(setting, receiver, true, 1 / 15),
    ];
  } finally {
    await receiver.close();
  }
};

async function intoSqlite({ quick, newPath, progress }: Setting): Promise<Figure[]> {
  const count = quick ? 10_000 : 200_000;
  const rounds = quick ? 1 : 7;
  const figures: Figure[] = [];
  for (const load of [
    workload({ orgs: false, tokens: false }),
    workload({ orgs: true, tokens: false }),
    workload({ orgs: true, tokens: true }),
  ]) {
    const cpuNs = await interleave(
      rounds,
      {
        async client() {
          const client = await sqliteClient(newPath('client.db'));
          const ns = await threadCpuNs(() => recordAll(client, load, count));
          await client.closeWith(count);
          return ns / count;
        },
        async byHand() {
          const path = newPath('by-hand.db');
          const hand = byHand({ path, columns: load.tokens ? 'id and tokens' : 'id' });
          const ns = await threadCpuNs(() => {
            for (let index = 0; index < count; index += 1) {
              hand.record(load.at(index));
            }
            hand.flush();
          });
          hand.close();
          if (countRows(path) !== count) {
            throw new Error('the loop by hand has lost rows');
          }
          return ns / count;
        },
      },
      (text) => progress(`${load.name}: ${text}`),
    );
    figures.push(
      figure(
        {
          measure: 'b1',
          name: `main-thread CPU into SQLite, of by hand: ${load.name}`,
          unit: 'ratio',
          details: { clientNs: medianOf(cpuNs.client), byHandNs: medianOf(cpuNs.byHand) },
        },
        paired(cpuNs.client, cpuNs.byHand, (client, hand) => client / hand),
      ),
    );
  }
  return figures;
}

/** Into SQLite, Prometheus and OTLP; the push of what was recorded included, on either side. */
async function intoAll(
  { quick, newPath, progress }: Setting,
  { url }: OtlpReceiver,
  orgs: boolean,
  target: number,
): Promise<Figure> {
  const count = quick ? 10_000 : 200_000;
  const load = workload({ orgs, tokens: false });
  const metrics = { labels: orgs ? (['org_id'] as const) : [], maxLabelSets };
  let [ours, theirs] = ['', ''];
  const cpuNs = await interleave(
    quick ? 1 : 7,
    {
      async client() {
        const shown = await prometheus({ ...metrics, port: false });
        const pushed = await otlp({ ...metrics, endpoint: url, pushIntervalMs: dayMs, random: () => 1 });
        const client = await sqliteClient(newPath('client.db'), [shown, pushed]);
        const ns = await threadCpuNs(() => recordAll(client, load, count));
        ours = await shown.scrape();
        await client.closeWith(count);
        return ns / count;
      },
      async byHand() {
        const path = newPath('by-hand.db');
        const rows = byHand({ path, columns: 'id' });
        const shown = prometheusByHand({ orgs });
        const pushed = otelByHand({ orgs, limit: maxLabelSets });
        const ns = await threadCpuNs(async () => {
          for (let index = 0; index < count; index += 1) {
            const execution = load.at(index);
            rows.record(execution);
            shown.recordSkill(execution);
            pushed.record(execution);
          }
          rows.flush();
          await pushed.prepare();
        });
        theirs = await shown.metrics();
        rows.close();
        await pushed.close();
        if (countRows(path) !== count) {
          throw new Error('the loop by hand has lost rows');
        }
        return ns / count;
      },
    },
    (text) => progress(`SQLite, Prometheus and OTLP, ${load.name}: ${text}`),
  );
  expectSameMetrics(theirs, ours);
  return figure(
    {
      measure: 'b1',
      name: `main-thread CPU into SQLite, Prometheus and OTLP, of by hand: ${load.name}`,
      unit: 'ratio',
      target: { op: '<=', value: target },
      details: { clientNs: medianOf(cpuNs.client), byHandNs: medianOf(cpuNs.byHand) },
    },
    paired(cpuNs.client, cpuNs.byHand, (client, hand) => client / hand),
  );
}
