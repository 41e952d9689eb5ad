import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnalyticsEvent, type AnalyticsReader, isAnalyticsError } from '@toolweaver/analytics-core';
import { exportEvents } from '@toolweaver/analytics-sqlite';
import { execution, health, metrics, rating, run, toolkit } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { times, trialOfTests } from '../../../../test/support/trial.ts';
import { now } from '../support/arbitrary.ts';
import { eventTables } from '../support/every-type.ts';
import { testFolder } from '../support/folder.ts';
import { hostileTexts } from '../support/hostile.ts';
import { open } from '../support/open.ts';
import { stopClock, storeWith } from '../support/operations.ts';
import { query } from '../support/rows.ts';

stopClock();

/** What would find everything if it were no text. */
const catchAll = "none' OR ''='";

/** One of each, which this text names wherever there is a name. */
function namedBy(text: string): AnalyticsEvent[] {
  const scope = { at: now, orgId: text, userId: text, runId: text };
  return [
    execution({ ...scope, kind: 'skill', name: text, version: text }),
    execution({ ...scope, kind: 'tool', name: text, toolkit: text }),
    rating({ ...scope, skillId: text, rating: 4 }),
    health({ ...scope, skillId: text, score: 50 }),
    toolkit({ ...scope, toolkit: text }),
    metrics({ ...scope, values: Object.fromEntries([[text, 1]]) }),
    run({ at: now, runId: text, name: text, project: text, tags: [text] }),
  ];
}
const events = hostileTexts.flatMap(namedBy);

/** Not to be reached. */
const patienceMs = 600_000;

/** How many are found by this text. */
type Ask = (reader: AnalyticsReader, text: string) => Promise<number>;
const questions: readonly (readonly [name: string, found: number, ask: Ask])[] = [
  ['getSkillUsage', 1, async (reader, text) => (await reader.getSkillUsage(text)).executions],
  [
    'getSkillUsage by organisation',
    1,
    async (reader, orgId) => (await reader.getSkillUsage(orgId, { orgId })).executions,
  ],
  ['getSkillMetrics', 1, async (reader, text) => (await reader.getSkillMetrics(text))?.ratings ?? 0],
  [
    'getSkillMetrics by organisation',
    1,
    async (reader, orgId) => (await reader.getSkillMetrics(orgId, { orgId }))?.ratings ?? 0,
  ],
  ['getSkillHealth', 50, async (reader, text) => (await reader.getSkillHealth(text))?.score ?? 0],
  ['listSkillHealth', 1, async (reader, text) => (await reader.listSkillHealth({ skillIds: [text] })).length],
  ['listSkillHealth by organisation', 1, async (reader, orgId) => (await reader.listSkillHealth({ orgId })).length],
  ['getLeaderboard', 1, async (reader, orgId) => (await reader.getLeaderboard({ orgId })).length],
  ['getTopSkills', 1, async (reader, orgId) => (await reader.getTopSkills({ orgId })).length],
  ['getAdoption', 1, async (reader, text) => (await reader.getAdoption(text)).users],
  ['getAdoption by organisation', 1, async (reader, orgId) => (await reader.getAdoption(orgId, { orgId })).users],
  // Nobody has used what somebody else has, too.
  [
    'getRecommendations',
    0,
    async (reader, text) => (await reader.getRecommendations(text, { orgId: text, types: ['collaborative'] })).length,
  ],
  [
    'listRecommendations',
    0,
    async (reader, text) => (await reader.listRecommendations({ userId: text, skillId: text })).length,
  ],
  ['getRun', 2, async (reader, text) => (await reader.getRun(text))?.executions ?? 0],
  ['listRuns by project', 1, async (reader, project) => (await reader.listRuns({ project })).runs.length],
  ['listRuns by name', 1, async (reader, name) => (await reader.listRuns({ name })).runs.length],
  ['listRuns by tag', 1, async (reader, tag) => (await reader.listRuns({ tag })).runs.length],
  [
    'listRuns by metric',
    1,
    async (reader, metric) => (await reader.listRuns({ where: [{ metric, op: '=', value: 1 }] })).runs.length,
  ],
  // Those with the metric come first.
  [
    'listRuns in the order of a metric',
    1,
    async (reader, metric) => {
      const { runs } = await reader.listRuns({ orderBy: { metric }, limit: 1 });
      return runs.filter(({ runId }) => runId === metric).length;
    },
  ],
  ['getRunMetrics', 1, async (reader, name) => (await reader.getRunMetrics(name, { name })).length],
  [
    'compareVersions',
    1,
    async (reader, text) => {
      const { versions } = await reader.compareVersions(text, [text, 'none']);
      return versions[0].executions;
    },
  ],
  [
    'getToolkitMetrics',
    1,
    async (reader, runId) => (await reader.getToolkitMetrics({ runId })).tool_invocations.total_calls,
  ],
  ['listToolkitTraces', 1, async (reader, text) => (await reader.listToolkitTraces({ toolkit: text })).traces.length],
  [
    'listToolInvocations by toolkit',
    1,
    async (reader, text) => (await reader.listToolInvocations({ toolkit: text })).traces.length,
  ],
  [
    'listToolInvocations by tool',
    1,
    async (reader, toolName) => (await reader.listToolInvocations({ toolName })).traces.length,
  ],
];

/** Where one of a few words is wanted; each with a question that takes it. */
const choices: readonly (readonly [option: string, ask: (reader: AnalyticsReader, text: never) => Promise<unknown>])[] =
  [
    ['orderBy of executions', (reader, orderBy) => reader.listExecutions({ orderBy })],
    ['kind of executions', (reader, kind) => reader.listExecutions({ kind })],
    ['cursor of executions', (reader, cursor) => reader.listExecutions({}, cursor)],
    ['by of costs', (reader, by) => reader.getCosts({ by })],
    ['metric of a leaderboard', (reader, metric) => reader.getLeaderboard({ metric })],
    ['period of a leaderboard', (reader, period) => reader.getLeaderboard({ period })],
    ['kind of a leaderboard', (reader, kind) => reader.getLeaderboard({ kind })],
    ['limit of a leaderboard', (reader, limit) => reader.getLeaderboard({ limit })],
    ['days of a trend', (reader, days) => reader.getTrend({ days })],
    ['types of recommendations', (reader, type) => reader.getRecommendations('somebody', { types: [type] })],
    [
      'feedback',
      (reader, feedback) => reader.recordRecommendationFeedback('00000000-0000-7000-8000-000000000000', feedback),
    ],
    ['orderBy of runs', (reader, orderBy) => reader.listRuns({ orderBy })],
    ['order of runs', (reader, order) => reader.listRuns({ order })],
    ['state of runs', (reader, state) => reader.listRuns({ state })],
    ['figure of a condition', (reader, figure) => reader.listRuns({ where: [{ figure, op: '<', value: 1 }] })],
    ['op of a condition', (reader, op) => reader.listRuns({ where: [{ metric: 'loss', op, value: 1 }] })],
    ['cursor of runs', (reader, cursor) => reader.listRuns({}, cursor)],
    ['operation of toolkits', (reader, operation) => reader.listToolkitTraces({ operation })],
  ];

trialOfTests(
  'R41',
  'every text is a text in every filter, grouping and order: nothing else is found or changed',
  (add) => {
    test.each(questions)('%s takes texts for texts', async (_, found, ask) => {
      const { db, reader } = await storeWith(events);
      await reader.summary();
      const contents = (): unknown => eventTables.map((table) => db.prepare(`SELECT * FROM ${table}`).all());
      const before = contents();
      for (const text of hostileTexts) {
        expect({ text, found: await ask(reader, text) }).toEqual({ text, found });
        add('questions');
      }
      expect(await ask(reader, catchAll)).toBe(0);
      expect(contents()).toEqual(before);
    });

    test.each(choices)('%s is one of a few, and no text', async (_, ask) => {
      const { db, reader } = await storeWith(events);
      await reader.summary();
      const contents = (): unknown => eventTables.map((table) => db.prepare(`SELECT * FROM ${table}`).all());
      const before = contents();
      for (const text of [...hostileTexts, catchAll, 'at); DROP TABLE execution_events; --', 'toString']) {
        const answer = await ask(reader, text as never).then(
          () => 'answered',
          (error) => (isAnalyticsError(error) ? error.code : `foreign: ${error}`),
        );
        expect({ text, answer }).toEqual({ text, answer: 'INVALID_CONFIG' });
        add('refused');
      }
      expect(contents()).toEqual(before);
    });

    test(
      'erase() erases whose id it is given, and nobody else',
      async () => {
        const path = join(testFolder(), 'analytics.db');
        const backend = await open({ path });
        await backend.write(events);
        const users = (): unknown[] =>
          query(path, 'SELECT DISTINCT user_id FROM executions').map(({ user_id }) => user_id);
        expect(await backend.store.erase({ userId: catchAll })).toMatchObject({ rows: { executions: 0, ratings: 0 } });
        let left: readonly string[] = hostileTexts;
        expect(users().toSorted()).toEqual(left.toSorted());
        for (const userId of hostileTexts.slice(0, times(hostileTexts.length, 8))) {
          expect(await backend.store.erase({ userId })).toMatchObject({
            rows: { executions: 2, ratings: 1, healthScores: 1 },
          });
          left = left.filter((one) => one !== userId);
          expect(users().toSorted()).toEqual(left.toSorted());
          add('erased');
        }
      },
      patienceMs,
    );

    test(
      'exportEvents() takes texts for texts in its filters',
      async () => {
        const folder = testFolder();
        const path = join(folder, 'analytics.db');
        const backend = await open({ path });
        await backend.write(events);
        await backend.close?.();
        const target = join(folder, 'events.jsonl');
        const fields = ['orgId', 'userId', 'runId', 'name'] as const;
        for (const [number, text] of [catchAll, ...hostileTexts.slice(0, times(hostileTexts.length, 12))].entries()) {
          for (const field of fields.slice(times(0, number % fields.length), times(4, (number % fields.length) + 1))) {
            const exported = await exportEvents({ path, target, type: 'execution', [field]: text, overwrite: true });
            const found = text === catchAll ? 0 : 2;
            expect({ field, text, events: exported.events }).toEqual({ field, text, events: found });
            const lines = readFileSync(target, 'utf8').split('\n').slice(0, -1);
            expect(lines.map((line) => JSON.parse(line).name)).toEqual(Array(found).fill(text));
            add('exports');
          }
        }
        // Where one of a few words is wanted, a text is refused, and no file is made.
        for (const text of [catchAll, "execution'; DROP TABLE execution_events; --"]) {
          for (const option of ['type', 'kind', 'format', 'from'] as const) {
            const asked = exportEvents({ path, target: join(folder, 'none.jsonl'), [option]: text as never });
            await expect(asked).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
            add('refused');
          }
        }
        expect(query(path, 'SELECT count(*) AS rows FROM executions')).toEqual([{ rows: 2 * hostileTexts.length }]);
      },
      patienceMs,
    );
  },
);
