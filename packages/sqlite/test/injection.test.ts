import type { ExecutionFilter, OperationReader } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { trialOfTests } from '../../../test/support/trial.ts';
import { now } from './support/arbitrary.ts';
import type { Store } from './support/in-process.ts';
import { stopClock, storeWith } from './support/operations.ts';

stopClock();

/** Texts that mean something to SQL, JSON, LIKE or JavaScript. */
const corpus: readonly string[] = [
  "' OR 1=1 --",
  "'; DROP TABLE execution_events; --",
  "') UNION SELECT id, text FROM dictionary --",
  '" OR ""="',
  "\\'; DELETE FROM rollups; --",
  "1; ATTACH DATABASE 'x' AS y",
  '%',
  '_',
  '?1',
  ':name',
  '$name',
  '0x27',
  'NULL',
  '__proto__',
  'constructor',
  '{"$gt": ""}',
  '[]',
  'Ω\u2019; --',
  '/* */ x',
  '0',
];

type Ask = (
  reader: OperationReader,
  filter: Pick<ExecutionFilter, 'orgId' | 'userId' | 'runId' | 'name' | 'model'>,
) => Promise<number>;
const questions: readonly [string, Ask][] = [
  ['summary', async (reader, { name, model, ...scope }) => (await reader.summary(scope)).executions],
  ['getCosts', async (reader, filter) => (await reader.getCosts(filter)).executions],
  ['getErrors', async (reader, filter) => (await reader.getErrors(filter)).executions],
  ['getCacheStats', async (reader, filter) => (await reader.getCacheStats(filter)).hits],
  ['compareModels', async (reader, filter) => (await reader.compareModels(filter))[0]?.executions ?? 0],
  ['getLatency', async (reader, filter) => (await reader.getLatency(filter)).count],
  ['getTrend', async (reader, filter) => (await reader.getTrend({ ...filter, days: 1 }))[0]?.executions ?? 0],
  ['listExecutions', async (reader, filter) => (await reader.listExecutions(filter)).executions.length],
];

/** Everything in the tables, to see that nothing was changed. */
function contents({ db }: Store): unknown {
  return ['dictionary', 'subjects', 'execution_events', 'rollups', 'run_rollups'].map((table) =>
    db.prepare(`SELECT count(*) FROM ${table}`).pluck().get(),
  );
}

trialOfTests(
  'R41',
  'every text is a text in every filter, grouping and order: nothing else is found or changed',
  (add) => {
    test.each(questions)('%s() takes texts for texts in every filter', async (method, ask) => {
      const event = { at: now, latencyMs: 5, cacheHit: true, kind: 'tool' } as const;
      const store = await storeWith([
        execution({ ...event, name: 'plain', orgId: 'plain', userId: 'plain', runId: 'plain', model: 'plain' }),
        ...corpus.map((text) =>
          execution({ ...event, name: text, orgId: text, userId: text, runId: text, model: text }),
        ),
      ]);
      await store.reader.summary();
      const before = contents(store);
      for (const field of ['orgId', 'userId', 'runId', 'name', 'model'] as const) {
        const expected = method === 'summary' && (field === 'name' || field === 'model') ? corpus.length + 1 : 1;
        for (const text of corpus) {
          add('questions');
          expect([field, text, await ask(store.reader, { [field]: text })]).toEqual([field, text, expected]);
        }
        expect(await ask(store.reader, { [field]: "plain' --" })).toBe(expected === 1 ? 0 : expected);
      }
      expect(contents(store)).toEqual(before);
    });

    test('listExecutions() takes texts for texts in its own filters, too', async () => {
      const store = await storeWith(
        corpus.map((text) =>
          execution({ at: now, success: false, error: { type: text }, toolkit: text, version: text }),
        ),
      );
      for (const field of ['errorType', 'toolkit', 'version'] as const) {
        for (const text of corpus) {
          for (const orderBy of ['at', 'latencyMs', 'costUsd'] as const) {
            const { executions } = await store.reader.listExecutions({ [field]: text, orderBy });
            expect(executions).toHaveLength(orderBy === 'costUsd' ? 0 : 1);
          }
        }
        expect((await store.reader.listExecutions({ [field]: "' OR ''='" })).executions).toEqual([]);
      }
    });

    test('getHeatmap() and getCosts() name what is named oddly', async () => {
      const { reader } = await storeWith(
        corpus.map((text) =>
          execution({ at: now, kind: 'tool', name: text, orgId: text, userId: text, runId: text, model: text }),
        ),
      );
      const sorted = (names: readonly (string | null)[]): (string | null)[] => names.toSorted();
      expect(sorted((await reader.getHeatmap({ limit: 1000 })).rows.map(({ name }) => name))).toEqual(sorted(corpus));
      for (const by of ['operation', 'model', 'organisation', 'user', 'run'] as const) {
        expect(sorted((await reader.getCosts({ by })).entries.map(({ name }) => name))).toEqual(sorted(corpus));
      }
      for (const text of corpus) {
        expect((await reader.getHeatmap({ orgId: text })).rows.map(({ name }) => name)).toEqual([text]);
      }
    });
  },
);
