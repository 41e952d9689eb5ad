import assert from 'node:assert/strict';
import type { HealthPart, SkillHealth } from '@toolweaver/analytics-core';
import { execution, health, rating } from '../events.ts';
import type { Law } from '../law.ts';
import { history, latencyOf, minute, readerOf, sameCounts, sameLatency, sameNumber } from './answers.ts';

const day = 24 * 60 * minute;

/** What a reader says of a skill. */
export const skillLaws: readonly Law[] = [
  {
    law: 'the usage of a skill agrees with the far side',
    only: 'reader',
    async check(trial) {
      const events = history();
      await trial.deliver(events);
      await trial.holds(events);
      const usage = await trial.within('getSkillUsage()', readerOf(trial).getSkillUsage('summarise'));
      const own = events.filter(({ kind, name }) => kind === 'skill' && name === 'summarise');
      assert.equal(usage.skillId, 'summarise');
      sameCounts(usage, own);
      sameLatency(usage.latencyMs, own);
      assert.equal(usage.uniqueUsers, new Set(own.map(({ userId }) => userId).filter(Boolean)).size, 'uniqueUsers');
      assert.equal(usage.lastUsedAt, Math.max(...own.map(({ at }) => at)), 'lastUsedAt');
      sameNumber((usage.to ?? 0) - (usage.from ?? 0), 30 * day, 'the window');
    },
  },
  {
    law: 'the usage of a skill is that of its window and its organisation',
    only: 'reader',
    async check(trial) {
      const now = Date.now();
      await trial.deliver([
        execution({ at: now - 3 * day, orgId: 'org-1' }),
        execution({ at: now - 3 * day, orgId: 'org-2' }),
        execution({ at: now - minute, orgId: 'org-1' }),
        execution({ at: now - minute }),
        execution({ at: now - minute, orgId: 'org-1', kind: 'tool' }),
      ]);
      const reader = readerOf(trial);
      const count = async (options: { days?: number; orgId?: string }): Promise<number> =>
        (await trial.within('getSkillUsage()', reader.getSkillUsage('summarise', options))).executions;
      assert.equal(await count({}), 4, 'of 30 days');
      assert.equal(await count({ days: 1 }), 2, 'of one day');
      assert.equal(await count({ orgId: 'org-1' }), 2, 'of one organisation');
      assert.equal(await count({ days: 1, orgId: 'org-1' }), 1, 'of one organisation on one day');
    },
  },
  {
    law: 'a skill that nobody used has zeros and nulls',
    only: 'reader',
    async check(trial) {
      await trial.deliver([execution(), execution({ kind: 'tool', name: 'unused' })]);
      const { from, to, ...usage } = await trial.within('getSkillUsage()', readerOf(trial).getSkillUsage('unused'));
      assert.ok((from ?? 0) < (to ?? 0), 'it has a window');
      assert.deepEqual(usage, {
        skillId: 'unused',
        executions: 0,
        successes: 0,
        failures: 0,
        successRate: null,
        uniqueUsers: 0,
        latencyMs: latencyOf([]),
        lastUsedAt: null,
      });
    },
  },
  {
    law: 'what is known of a skill agrees with the far side',
    only: 'reader',
    async check(trial) {
      const now = Date.now();
      const skillId = 'summarise';
      const events = [
        ...history(),
        execution({ name: skillId, at: now - 400 * day, orgId: 'org-2', latencyMs: 60 }),
        execution({ name: 'other', at: now - 900 * day }),
      ];
      const scores = [
        health({ skillId, score: 90, at: now - 5 * minute, deprecated: true }),
        health({ skillId, score: 55, at: now - 4 * minute }),
        health({ skillId, score: 10, at: now - 400 * day, deprecated: false }),
        health({ skillId: 'other', score: 1, at: now - minute }),
      ];
      const ratings = [
        ...[5, 4, 5, 3].map((stars, at) => rating({ skillId, rating: stars, at: now - (2 + at) * minute })),
        rating({ skillId: 'other', rating: 1, at: now - minute, orgId: 'org-2' }),
      ];
      await trial.deliver([...events, ...scores, ...ratings]);
      const read = (orgId?: string) =>
        trial.within('getSkillMetrics()', readerOf(trial).getSkillMetrics(skillId, { orgId }));

      const own = events.filter(({ kind, name }) => kind === 'skill' && name === skillId);
      const found = await read();
      assert.ok(found, `${skillId} is known`);
      const { averageLatencyMs, correctedRating, executions, successes, failures, successRate, ...known } = found;
      sameCounts({ executions, successes, failures, successRate }, own);
      sameNumber(averageLatencyMs, latencyOf(own).average, 'averageLatencyMs');
      // Five ratings more, each the mean of all: (5 + 4 + 5 + 3 + 1) / 5.
      sameNumber(correctedRating, (17 + 5 * 3.6) / 9, 'correctedRating');
      assert.deepEqual(known, {
        skillId,
        ratings: 4,
        ratingCounts: { 1: 0, 2: 0, 3: 1, 4: 1, 5: 2 },
        averageRating: 4.25,
        healthScore: 55,
        firstUsedAt: now - 400 * day,
        lastUsedAt: Math.max(...own.map(({ at }) => at)),
        lastRatedAt: now - 2 * minute,
        deprecated: true,
      });

      const ofOrg = await read('org-2');
      assert.ok(ofOrg, `${skillId} is known in org-2`);
      sameCounts(
        ofOrg,
        own.filter(({ orgId }) => orgId === 'org-2'),
      );
      assert.deepEqual([ofOrg.ratings, ofOrg.correctedRating, ofOrg.healthScore], [0, null, null], 'of org-2');
    },
  },
  {
    law: 'nothing is known of a skill that nobody used, rated or scored',
    only: 'reader',
    async check(trial) {
      const at = Date.now() - minute;
      await trial.deliver([
        execution({ kind: 'tool', name: 'tool', at }),
        execution({ name: 'used', at }),
        rating({ skillId: 'rated', at }),
        health({ skillId: 'scored', at, score: 0 }),
      ]);
      for (const [skillId, isKnown] of [
        ['used', true],
        ['rated', true],
        ['scored', true],
        ['tool', false],
        ['unknown', false],
      ] as const) {
        const metrics = await trial.within('getSkillMetrics()', readerOf(trial).getSkillMetrics(skillId));
        const found = await trial.within('getSkillHealth()', readerOf(trial).getSkillHealth(skillId));
        assert.deepEqual([metrics?.skillId, found?.skillId], isKnown ? [skillId, skillId] : [undefined, undefined]);
      }
    },
  },
  {
    law: 'the health of a skill is the score that was set, else the one of the formula, with its parts',
    only: 'reader',
    async check(trial) {
      const now = Date.now();
      await trial.deliver([
        execution({ name: 'parse', at: now - minute, latencyMs: 123.45 }),
        ...[5, 4, 5, 3].map((stars) => rating({ skillId: 'parse', rating: stars, at: now - minute })),
        ...[true, false].map((success) => execution({ name: 'draw', at: now - minute, weight: 8, success })),
        execution({ name: 'draw', at: now - 40 * day, latencyMs: 1 }),
        rating({ skillId: 'draw', rating: 1, at: now - 40 * day }),
        health({ skillId: 'draw', score: 12.5, at: now - 90 * day }),
        execution({ name: 'old', at: now - 40 * day }),
      ]);
      const read = async (skillId: string, days?: number): Promise<SkillHealth> => {
        const found = await trial.within('getSkillHealth()', readerOf(trial).getSkillHealth(skillId, { days }));
        assert.ok(found, `${skillId} is known`);
        return found;
      };
      const parse = await read('parse');
      sameNumber(parse.score, 76.2655, 'the score of parse');
      sameParts(parse, { success: 100, rating: 85, usage: 10, latency: 87.655 });
      assert.deepEqual([parse.source, parse.set, parse.ratings], ['computed', null, 4]);
      sameNumber(parse.to - parse.from, 30 * day, 'the window');

      const draw = await read('draw');
      assert.deepEqual([draw.score, draw.source, draw.set], [12.5, 'set', { score: 12.5, at: now - 90 * day }]);
      sameParts(draw, { success: 50, rating: 50, usage: 100, latency: 90 });
      sameNumber(draw.computed?.score ?? null, 64, 'the computed score of draw');
      sameParts(await read('draw', 50), {
        success: (100 * 9) / 17,
        rating: 20,
        usage: 100,
        latency: 100 - (16 * 100 + 1) / 170,
      });

      const old = await read('old');
      assert.deepEqual([old.score, old.source, old.computed, old.executions], [null, null, null, 0]);
    },
  },
  {
    law: 'the health of skills is listed worst first',
    only: 'reader',
    async check(trial) {
      const at = Date.now() - minute;
      await trial.deliver([
        rating({ skillId: 'rated', at: at - 100 * day, rating: 5 }),
        execution({ name: 'working', at }),
        execution({ name: 'failing', at, success: false }),
        execution({ name: 'forgotten', at: at - 100 * day }),
        health({ skillId: 'bad', score: 1, at }),
        health({ skillId: 'also bad', score: 1, at }),
      ]);
      const list = async (options: { limit?: number; skillIds?: string[] }): Promise<string[]> => {
        const found = await trial.within('listSkillHealth()', readerOf(trial).listSkillHealth(options));
        return found.map(({ skillId }) => skillId);
      };
      assert.deepEqual(await list({}), ['also bad', 'bad', 'failing', 'working', 'rated']);
      assert.deepEqual(await list({ limit: 3 }), ['also bad', 'bad', 'failing']);
      assert.deepEqual(await list({ skillIds: ['working', 'unknown', 'bad'] }), ['bad', 'working']);
    },
  },
];

function sameParts(
  { computed }: SkillHealth,
  expected: Record<'success' | 'rating' | 'usage' | 'latency', number>,
): void {
  const weights = { success: 0.4, rating: 0.3, usage: 0.2, latency: 0.1 };
  for (const name of ['success', 'rating', 'usage', 'latency'] as const) {
    const part: HealthPart | undefined = computed?.parts[name];
    sameNumber(part?.score ?? null, expected[name], `score of the part ${name}`);
    sameNumber(part?.weight ?? null, weights[name], `weight of the part ${name}`);
    sameNumber(part?.points ?? null, weights[name] * expected[name], `points of the part ${name}`);
  }
}
