import { join } from 'node:path';
import { expect } from 'vitest';
import { times, trial } from '../../../../test/support/trial.ts';
import { run, start } from '../support/child.ts';
import { testFolder } from '../support/folder.ts';
import { complete, numberedByUser } from '../support/numbered.ts';
import { query, value } from '../support/rows.ts';

const recordMany = new URL('../fixtures/record-many.ts', import.meta.url);
const recordTogether = new URL('../fixtures/record-together.ts', import.meta.url);

/** Programs that begin at once on a file that is not there yet; each is to record `count` executions. */
async function recordAtOnce(path: string, programs: number, count: number): Promise<void> {
  const names = Array.from({ length: programs }, (_, at) => `process-${at}`);
  const children = names.map((name) => start(recordMany, [path, name, String(count), 'wait']));
  await Promise.all(children.map((child) => child.says('ready')));
  for (const child of children) {
    child.process.stdin?.write('go\n');
  }
  const ends = await Promise.all(children.map(({ ended }) => ended));
  expect(ends).toEqual(names.map(() => ({ code: 0, signal: null, stdout: 'ready\n', stderr: '' })));
  expect(numberedByUser(path)).toEqual(Object.fromEntries(names.map((name) => [name, complete(count)])));
  // What they all name is there once.
  expect(query(path, 'SELECT kind, name FROM subjects ORDER BY name')).toEqual(
    [0, 1, 2, 3, 4].map((at) => ({ kind: 'tool', name: `tool-${at}` })),
  );
  expect(value(path, "SELECT count(*) FROM dictionary WHERE text LIKE 'org-%'")).toBe(7);
  expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
}

trial('R16', '8 processes write into one file: exactly what they recorded is there', async ({ add }) => {
  const [writers, each] = [8, 5_000];
  const path = join(testFolder(), 'shared.db');
  await recordAtOnce(path, writers, each);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(40_000);
  add('writers', writers);
  add('rows', writers * each);
});

trial('R17', '8 processes start at once on a file that is not there yet', async ({ add }) => {
  for (let round = times(50, 2); round > 0; round -= 1) {
    await recordAtOnce(join(testFolder(), 'fresh.db'), 8, 100);
    add('starts', 8);
    add('files');
    add('rows', 800);
  }
});

trial(
  'R21',
  'threads, clustered and forked processes share a file, and end with or without closing',
  async ({ add }) => {
    const path = join(testFolder(), 'shared.db');
    const [members, count] = [2, 2_300];
    const expected: Record<string, unknown> = {};
    for (const kind of ['thread', 'cluster', 'process']) {
      for (const way of ['close', 'exit']) {
        const args = [kind, path, String(count), String(members), way];
        expect(await run(recordTogether, args)).toEqual({ code: 0, signal: null, stdout: '[0,0]', stderr: '' });
        for (let at = 0; at < members; at += 1) {
          expected[`${kind}-${way}-${at}`] = complete(count);
        }
        expect(numberedByUser(path)).toEqual(expected);
        add('members', members);
        add('rows', members * count);
      }
    }
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
  },
);
