import { byHand, countRows } from './by-hand.ts';
import { recordAll, sqliteClient } from './client.ts';
import { workload } from './data.ts';
import { type Figure, figure, type Measure, type Setting } from './figure.ts';
import { interleave, medianOf, paired, threadCpuNs } from './measure.ts';
import { otlpReceiver } from './otlp-receiver.ts';
import { recording } from './recording.ts';

/** Measures the main thread's CPU time per recorded execution, through the client and by hand. */
export const record: Measure = async (setting) => {
  const receiver = await otlpReceiver();
  const common = {
    measure: 'b1',
    into: 'all',
    of: 'skill',
    peer: 'SQLite, prom-client and OpenTelemetry',
    url: receiver.url,
  } as const;
  try {
    return [
      ...(await intoSqlite(setting)),
      await recording(setting, { ...common, orgs: false, target: 1 / 8 }),
      await recording(setting, { ...common, orgs: true, target: 1 / 15 }),
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
