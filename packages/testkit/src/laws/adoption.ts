import assert from 'node:assert/strict';
import type { ExecutionEvent } from '@toolweaver/analytics-core';
import { execution } from '../events.ts';
import type { Law } from '../law.ts';
import { answers, ask, dayMs, minuteMs, says } from './answers.ts';

/** What readers say of adoption, and which skills they recommend to whom. */
export const adoptionLaws: readonly Law[] = [
  {
    law: 'adoption is counted by organisation, and its growth by whole days',
    only: 'reader',
    check(trial) {
      const midnight = Math.floor(Date.now() / dayMs) * dayMs;
      const uses = (orgId: string, days: number, ...users: string[]): ExecutionEvent[] =>
        users.map((userId) => execution({ name: 'parse', orgId, userId, at: midnight - days * dayMs + minuteMs }));
      const events = [
        ...uses('org-1', 1, 'ada', 'ben', 'cem', 'cem'),
        ...uses('org-1', 2, 'ada', 'dan'),
        ...uses('org-1', 7, 'eve'),
        ...uses('org-1', 8, 'ada', 'fay'),
        ...uses('org-1', 14, 'gus', 'ben'),
        ...uses('org-1', 15, 'hal'),
        ...uses('org-1', 0, 'too late'),
        ...uses('org-2', 3, 'ada'),
        execution({ name: 'parse', userId: 'of none', at: midnight - minuteMs }),
        execution({ kind: 'tool', name: 'parse', orgId: 'org-1', userId: 'of a tool', at: midnight - minuteMs }),
        execution({ name: 'draw', orgId: 'org-1', userId: 'of another', at: midnight - minuteMs }),
        execution({ name: 'draw', orgId: 'org-3', userId: 'ada', at: midnight - minuteMs }),
      ];
      const range = { from: midnight - 20 * dayMs, to: midnight };
      const first = {
        orgId: 'org-1',
        users: 8,
        activeUsers: 10,
        adoptionRate: 0.8,
        executions: 12,
        dailyGrowth: 0.5,
        weeklyGrowth: 0.25,
        retentionRate: 0.5,
      };
      const second = {
        orgId: 'org-2',
        users: 1,
        activeUsers: 1,
        adoptionRate: 1,
        executions: 1,
        dailyGrowth: null,
        weeklyGrowth: null,
        retentionRate: null,
      };
      return answers(trial, events, [
        ['getAdoption', ['parse', range], { users: 9, ...range, organisations: [first, second] }],
        [
          'getAdoption',
          ['parse', { ...range, orgId: 'org-3' }],
          { organisations: [{ orgId: 'org-3', users: 0, activeUsers: 1 }] },
        ],
      ]);
    },
  },
  {
    law: 'what users alike use is recommended, and logged with what became of it',
    only: 'reader',
    async check(trial) {
      const at = Date.now() - minuteMs;
      const using = (userId: string, ...names: string[]): ExecutionEvent[] =>
        names.map((name) => execution({ name, userId, at }));
      await trial.deliver([
        ...using('me', 'a', 'b'),
        ...using('near', 'a', 'b', 'c'),
        ...using('far', 'b', 'c', 'd'),
        ...using('stranger', 'd', 'e'),
      ]);
      const recommend = (limit?: number) => ask(trial, 'getRecommendations', 'me', { types: ['collaborative'], limit });
      const found = await recommend();
      // The users share 2 of 3 skills with `me`, and 1 of 4.
      says(
        found,
        [
          { skillId: 'c', score: 1 },
          { skillId: 'd', score: 3 / 11 },
        ],
        'getRecommendations()',
      );
      const [best] = await recommend(1);
      assert.ok(best, 'there is a best one');
      assert.equal(best.id, found[0]?.id, 'what is recommended again keeps its id');
      const tell = (id: string) => ask(trial, 'recordRecommendationFeedback', id, 'clicked');
      assert.equal(await tell(best.id), true, 'feedback on what was recommended');
      assert.equal(await tell('00000000-0000-7000-8000-000000000000'), false, 'feedback on what was not');
      const logged = await ask(trial, 'listRecommendations', { userId: 'me' });
      assert.deepEqual(logged.map(({ skillId }) => skillId).sort(), ['c', 'd'], 'the log');
      const clicked = logged.filter(({ clickedAt }) => clickedAt !== null);
      says(clicked, [{ id: best.id, installedAt: null }], 'what was clicked');
    },
  },
];
