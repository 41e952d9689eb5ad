import type { HealthPart } from '@toolweaver/analytics-core';
import { execution, health, rating } from '../events.ts';
import type { Law } from '../law.ts';
import { answers, ask, dayMs, type Expected, history, minuteMs, noUsage, says, usageOfSummarise } from './answers.ts';

/** What a reader says of a skill. */
export const skillLaws: readonly Law[] = [
  {
    law: 'the usage of a skill agrees with the far side',
    only: 'reader',
    async check(trial) {
      const events = history();
      await answers(trial, events, [
        [
          'getSkillUsage',
          ['summarise'],
          {
            skillId: 'summarise',
            ...usageOfSummarise,
            latencyMs: { average: 1253 / 8.5, min: 0, max: 950.5, p50: 33, p95: 950.5 },
            uniqueUsers: 3,
            lastUsedAt: events[0]?.at,
          },
        ],
      ]);
      await trial.holds(events);
      const { from, to } = await ask(trial, 'getSkillUsage', 'summarise');
      says(to - from, 30 * dayMs, 'the window');
    },
  },
  {
    law: 'the usage of a skill is that of its window and its organisation',
    only: 'reader',
    check(trial) {
      const now = Date.now();
      const orgId = 'org-1';
      return answers(
        trial,
        [
          execution({ at: now - 3 * dayMs, orgId }),
          execution({ at: now - 3 * dayMs, orgId: 'org-2' }),
          execution({ at: now - minuteMs, orgId }),
          execution({ at: now - minuteMs }),
          execution({ at: now - minuteMs, orgId, kind: 'tool' }),
        ],
        [
          ['getSkillUsage', ['summarise'], { executions: 4 }],
          ['getSkillUsage', ['summarise', { days: 1 }], { executions: 2 }],
          ['getSkillUsage', ['summarise', { orgId }], { executions: 2 }],
          ['getSkillUsage', ['summarise', { days: 1, orgId }], { executions: 1 }],
          ['getSkillUsage', ['summarise', { from: now - 3 * dayMs, to: now - minuteMs }], { executions: 2 }],
          ['getSkillUsage', ['summarise', { from: now - 2 * dayMs, to: now - minuteMs }], { executions: 0 }],
        ],
      );
    },
  },
  {
    law: 'a skill that nobody used has zeros and nulls',
    only: 'reader',
    check: (trial) =>
      answers(
        trial,
        [execution(), execution({ kind: 'tool', name: 'unused' })],
        [['getSkillUsage', ['unused'], { skillId: 'unused', ...noUsage, uniqueUsers: 0, lastUsedAt: null }]],
      ),
  },
  {
    law: 'what is known of a skill agrees with the far side',
    only: 'reader',
    check(trial) {
      const now = Date.now();
      const skillId = 'summarise';
      const events = [
        ...history(),
        execution({ name: skillId, at: now - 400 * dayMs, orgId: 'org-2', latencyMs: 60 }),
        execution({ name: 'other', at: now - 900 * dayMs }),
      ];
      const scores = [
        health({ skillId, score: 90, at: now - 5 * minuteMs, deprecated: true }),
        health({ skillId, score: 55, at: now - 4 * minuteMs }),
        health({ skillId, score: 10, at: now - 400 * dayMs, deprecated: false }),
        health({ skillId: 'other', score: 1, at: now - minuteMs }),
      ];
      const ratings = [
        ...[5, 4, 5, 3].map((stars, at) => rating({ skillId, rating: stars, at: now - (2 + at) * minuteMs })),
        rating({ skillId: 'other', rating: 1, at: now - minuteMs, orgId: 'org-2' }),
      ];
      return answers(
        trial,
        [...events, ...scores, ...ratings],
        [
          [
            'getSkillMetrics',
            [skillId],
            {
              skillId,
              executions: 10.5,
              successes: 7.5,
              failures: 3,
              successRate: 7.5 / 10.5,
              averageLatencyMs: 1313 / 9.5,
              ratings: 4,
              ratingCounts: { 1: 0, 2: 0, 3: 1, 4: 1, 5: 2 },
              averageRating: 4.25,
              // Corrected by five extra ratings, each the mean of all ratings: (5 + 4 + 5 + 3 + 1) / 5.
              correctedRating: (17 + 5 * 3.6) / 9,
              healthScore: 55,
              firstUsedAt: now - 400 * dayMs,
              lastUsedAt: events[0]?.at,
              lastRatedAt: now - 2 * minuteMs,
              deprecated: true,
            },
          ],
          [
            'getSkillMetrics',
            [skillId, { orgId: 'org-2' }],
            {
              executions: 2,
              failures: 0,
              ratings: 0,
              correctedRating: null,
              healthScore: null,
            },
          ],
        ],
      );
    },
  },
  {
    law: 'nothing is known of a skill that nobody used, rated or scored',
    only: 'reader',
    check(trial) {
      const at = Date.now() - minuteMs;
      const about = (skillId: string, answer?: { readonly skillId: string }): Expected[] => [
        ['getSkillMetrics', [skillId], answer],
        ['getSkillHealth', [skillId], answer],
      ];
      return answers(
        trial,
        [
          execution({ kind: 'tool', name: 'tool', at }),
          execution({ name: 'used', at }),
          rating({ skillId: 'rated', at }),
          health({ skillId: 'scored', at, score: 0 }),
        ],
        [
          ...['used', 'rated', 'scored'].flatMap((skillId) => about(skillId, { skillId })),
          ...['tool', 'unknown'].flatMap((skillId) => about(skillId)),
        ],
      );
    },
  },
  {
    law: 'the health of a skill is the score that was set, else the one of the formula, with its parts',
    only: 'reader',
    async check(trial) {
      const now = Date.now();
      const set = { score: 12.5, at: now - 90 * dayMs };
      const parts = (success: number, stars: number, usage: number, latency: number) => ({
        success: part(0.4, success),
        rating: part(0.3, stars),
        usage: part(0.2, usage),
        latency: part(0.1, latency),
      });
      await answers(
        trial,
        [
          execution({ name: 'parse', at: now - minuteMs, latencyMs: 123.45 }),
          ...[5, 4, 5, 3].map((stars) => rating({ skillId: 'parse', rating: stars, at: now - minuteMs })),
          ...[true, false].map((success) => execution({ name: 'draw', at: now - minuteMs, weight: 8, success })),
          execution({ name: 'draw', at: now - 40 * dayMs, latencyMs: 1 }),
          rating({ skillId: 'draw', rating: 1, at: now - 40 * dayMs }),
          health({ skillId: 'draw', ...set }),
          execution({ name: 'old', at: now - 40 * dayMs }),
        ],
        [
          [
            'getSkillHealth',
            ['parse'],
            {
              score: 76.2655,
              source: 'computed',
              set: null,
              ratings: 4,
              computed: { parts: parts(100, 85, 10, 87.655) },
            },
          ],
          [
            'getSkillHealth',
            ['draw'],
            { score: 12.5, source: 'set', set, computed: { score: 64, parts: parts(50, 50, 100, 90) } },
          ],
          [
            'getSkillHealth',
            ['draw', { days: 50 }],
            { computed: { parts: parts((100 * 9) / 17, 20, 100, 100 - (16 * 100 + 1) / 170) } },
          ],
          [
            'getSkillHealth',
            ['draw', { from: now - 50 * dayMs, to: now - 30 * dayMs }],
            { executions: 1, computed: { parts: parts(100, 20, 10, 99.9) } },
          ],
          ['getSkillHealth', ['old'], { score: null, source: null, computed: null, executions: 0 }],
        ],
      );
      const { from = 0, to = 0 } = (await ask(trial, 'getSkillHealth', 'parse')) ?? {};
      says(to - from, 30 * dayMs, 'the window');
    },
  },
  {
    law: 'the health of skills is listed worst first',
    only: 'reader',
    check(trial) {
      const at = Date.now() - minuteMs;
      const list = (...skillIds: readonly string[]) => skillIds.map((skillId) => ({ skillId }));
      return answers(
        trial,
        [
          rating({ skillId: 'rated', at: at - 100 * dayMs, rating: 5 }),
          execution({ name: 'working', at }),
          execution({ name: 'failing', at, success: false }),
          execution({ name: 'forgotten', at: at - 100 * dayMs }),
          health({ skillId: 'bad', score: 1, at }),
          health({ skillId: 'also bad', score: 1, at }),
        ],
        [
          ['listSkillHealth', [], list('also bad', 'bad', 'failing', 'working', 'rated')],
          ['listSkillHealth', [{ limit: 3 }], list('also bad', 'bad', 'failing')],
          ['listSkillHealth', [{ skillIds: ['working', 'unknown', 'bad'] }], list('bad', 'working')],
        ],
      );
    },
  },
];

function part(weight: number, score: number): HealthPart {
  return { weight, score, points: weight * score };
}
