import { type ByHandOptions, byHand, countRows } from './by-hand.ts';
import { recordAll, sqliteClient } from './client.ts';
import { workload } from './data.ts';
import { figure, type Measure } from './figure.ts';
import { recordWithKysely } from './kysely-by-hand.ts';
import { interleave, medianOf, paired } from './measure.ts';
import { createLikeOriginal, recordLikeOriginal } from './original.ts';

/** Measures rows per second into SQLite, from the first `record()` to the last commit, through the client and by hand. */
export const ingest: Measure = async ({ quick, newPath, progress }) => {
  const count = quick ? 30_000 : 300_000;
  // Each of its rows takes a thousand times as long.
  const countOfOriginal = quick ? 50 : 500;
  const rounds = quick ? 1 : 7;
  const load = workload({ orgs: true, tokens: false });

  async function client(): Promise<number> {
    const opened = await sqliteClient(newPath('client.db'));
    const started = performance.now();
    await recordAll(opened, load, count);
    const seconds = (performance.now() - started) / 1000;
    await opened.closeWith(count);
    return count / seconds;
  }

  function hand(options: Omit<ByHandOptions, 'path'>): number {
    const path = newPath('by-hand.db');
    const { record, flush, close } = byHand({ ...options, path });
    const started = performance.now();
    for (let index = 0; index < count; index += 1) {
      record(load.at(index));
    }
    flush();
    const seconds = (performance.now() - started) / 1000;
    close();
    expectAll(path);
    return count / seconds;
  }

  async function kysely(): Promise<number> {
    const path = newPath('kysely.db');
    const started = performance.now();
    await recordWithKysely(path, load, count);
    const seconds = (performance.now() - started) / 1000;
    expectAll(path);
    return count / seconds;
  }

  function expectAll(path: string): void {
    if (countRows(path) !== count) {
      throw new Error('the loop by hand has lost rows');
    }
  }

  function original(): number {
    const path = newPath('original.db');
    createLikeOriginal(path);
    const started = performance.now();
    recordLikeOriginal(
      path,
      Array.from({ length: countOfOriginal }, (_, index) => load.at(index)),
    );
    return countOfOriginal / ((performance.now() - started) / 1000);
  }

  const rowsPerSecond = await interleave(
    rounds,
    {
      client,
      byHand: () => hand({ columns: 'id', synchronous: 'full' }),
      byHandNormal: () => hand({ columns: 'id' }),
      byHandNoIds: () => hand({ columns: 'none' }),
      kysely,
      original,
    },
    progress,
  );
  const ratioTo = (arm: Exclude<keyof typeof rowsPerSecond, 'client'>) => {
    const { client, [arm]: other } = rowsPerSecond;
    const otherName = arm === 'original' || arm === 'kysely' ? `${arm}RowsPerSecond` : 'byHandRowsPerSecond';
    return {
      details: { clientRowsPerSecond: medianOf(client), [otherName]: medianOf(other) },
      sample: paired(client, other, (left, right) => left / right),
    };
  };
  return (
    [
      ['byHand', 'rows/s, of by hand; both with synchronous=FULL', { op: '>=', value: 1.2 }],
      ['byHandNormal', 'rows/s with FULL, of by hand with its default, NORMAL', undefined],
      ['byHandNoIds', 'rows/s with FULL, of by hand with NORMAL, no event ids', undefined],
      ['kysely', 'rows/s, of inserts of 1000 rows with Kysely; both with synchronous=FULL', undefined],
      ['original', "rows/s with FULL, of the original's way: a connection for each, NORMAL", undefined],
    ] as const
  ).map(([arm, name, target]) => {
    const { details, sample } = ratioTo(arm);
    return figure({ measure: 'b3', name, unit: 'ratio', details, ...(target && { target }) }, sample);
  });
};
