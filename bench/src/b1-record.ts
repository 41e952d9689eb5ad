import { byHand, countRows } from './by-hand.ts';
import { recordAll, sqliteClient } from './client.ts';
import { workload } from './data.ts';
import { type Figure, figure, type Measure } from './figure.ts';
import { interleave, medianOf, paired, threadCpuNs } from './measure.ts';

/** What recording one execution into SQLite takes of the main thread's CPU, through the client and by hand. */
export const record: Measure = async ({ quick, newPath, progress }) => {
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
          name: `main-thread CPU, of by hand: ${load.name}`,
          unit: 'ratio',
          note: 'SQLite alone: the targets of 1/8, and 1/15 with organisations, are for SQLite, Prometheus and OTLP together.',
          details: { clientNs: medianOf(cpuNs.client), byHandNs: medianOf(cpuNs.byHand) },
        },
        paired(cpuNs.client, cpuNs.byHand, (client, hand) => client / hand),
      ),
    );
  }
  return figures;
};
