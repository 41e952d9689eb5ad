import type { SkillMetrics } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import { encode } from '../control/control.ts';
import { but, type Mutants, misheard, misspoken, reading } from './altered.ts';

/** Says something else of a skill that is known. */
function metrics(change: (metrics: SkillMetrics) => Partial<SkillMetrics>): Mutants[string][string] {
  return reading((reader) => ({
    async getSkillMetrics(skillId, options) {
      const right = await reader.getSkillMetrics(skillId, options);
      return right && { ...right, ...change(right) };
    },
  }));
}

export const skillMutants: Mutants = {
  'the usage of a skill agrees with the far side': {
    'counts users by execution': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ executions }) => ({ uniqueUsers: executions })),
    })),
    'averages the unknown as zero': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ latencyMs }) => ({
          latencyMs: { ...latencyMs, average: (latencyMs.average ?? 0) * (7.5 / 8.5) },
        })),
    })),
    'takes the last one recorded for the latest': reading((reader, { server }) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), () => ({ lastUsedAt: server.rows().at(-1)?.at ?? null })),
    })),
    'counts the question as an execution': reading((reader, { server }) => ({
      async getSkillUsage(skillId, options) {
        const right = await reader.getSkillUsage(skillId, options);
        server.post(encode([execution({ kind: 'operation', name: 'usage' })]));
        return right;
      },
    })),
    'looks at a week': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ to = 0 }) => ({ from: to - 7 * 86_400_000 })),
    })),
  },
  'the usage of a skill is that of its window and its organisation': {
    'forgets the window': reading((reader) => ({
      getSkillUsage: (skillId, options) => reader.getSkillUsage(skillId, { ...options, days: 30 }),
    })),
    'forgets the organisation': reading((reader) => ({
      getSkillUsage: (skillId, options) => reader.getSkillUsage(skillId, { ...options, orgId: undefined }),
    })),
    'forgets the start': misheard('getSkillUsage', (skillId, options) => [skillId, { ...options, from: undefined }]),
    'has the end inside': misheard('getSkillUsage', (skillId, options) => [
      skillId,
      options?.to === undefined ? options : { ...options, to: options.to + 1 },
    ]),
    'forgets the window of an organisation': misheard('getSkillUsage', (skillId, options) => [
      skillId,
      options?.orgId === undefined ? options : { ...options, days: 30 },
    ]),
    'forgets the window of all organisations': misheard('getSkillUsage', (skillId, options) => [
      skillId,
      options?.orgId === undefined ? { ...options, days: 30 } : options,
    ]),
    'forgets the organisation where no window is given': misheard('getSkillUsage', (skillId, options) => [
      skillId,
      options?.days === undefined ? { ...options, orgId: undefined } : options,
    ]),
    'knows what is of an organisation alone': misspoken('getSkillUsage', (usage, _skillId, options) =>
      options === undefined ? { ...usage, executions: usage.executions - 1 } : usage,
    ),
  },
  'a skill that nobody used has zeros and nulls': {
    'takes a tool for it': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), () => ({ executions: 1, successes: 1, successRate: 1 })),
    })),
    'knows nothing of it': reading(() => ({ getSkillUsage: () => Promise.reject(new Error('not found')) })),
    'has a latency of zero': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ latencyMs }) => ({ latencyMs: { ...latencyMs, average: 0 } })),
    })),
  },
  'what is known of a skill agrees with the far side': {
    'averages the ratings where they should be corrected': metrics(({ averageRating }) => ({
      correctedRating: averageRating,
    })),
    'keeps no stars apart': metrics(({ ratings }) => ({ ratingCounts: { 1: 0, 2: 0, 3: 0, 4: ratings, 5: 0 } })),
    'takes the first score for the latest': metrics(() => ({ healthScore: 10 })),
    'forgets what a later score says nothing of': metrics(() => ({ deprecated: false })),
    'looks back a month': metrics(({ lastUsedAt }) => ({ firstUsedAt: lastUsedAt })),
    'counts successes only': metrics(({ successes }) => ({ executions: successes })),
    'forgets the organisation': reading((reader) => ({
      getSkillMetrics: (skillId) => reader.getSkillMetrics(skillId),
    })),
  },
  'nothing is known of a skill that nobody used, rated or scored': {
    'makes it up': reading((reader) => ({
      getSkillMetrics: async (skillId) =>
        (await reader.getSkillMetrics(skillId)) ?? (await reader.getSkillMetrics('used')),
    })),
    'knows those that were rated only': reading((reader) => ({
      getSkillHealth: async (skillId) => (skillId === 'rated' ? reader.getSkillHealth(skillId) : undefined),
    })),
    'takes a tool for a skill': reading((reader) => ({
      getSkillHealth: async (skillId) => {
        const found = await reader.getSkillHealth(skillId === 'tool' ? 'used' : skillId);
        return found && { ...found, skillId };
      },
    })),
  },
  'the health of a skill is the score that was set, else the one of the formula, with its parts': {
    'says that it looks at a week': reading((reader) => ({
      async getSkillHealth(skillId, options) {
        const right = await reader.getSkillHealth(skillId, options);
        return right && { ...right, from: (right.to ?? 0) - 7 * 86_400_000 };
      },
    })),
    'rounds what it computes': reading((reader) => ({
      async getSkillHealth(skillId, options) {
        const right = await reader.getSkillHealth(skillId, options);
        return right?.source === 'computed' ? { ...right, score: Math.round(right.score ?? 0) } : right;
      },
    })),
    'does not look at what was set': reading((reader) => ({
      async getSkillHealth(skillId, options) {
        const right = await reader.getSkillHealth(skillId, options);
        return right && { ...right, score: right.computed?.score ?? null };
      },
    })),
    'has 50 for what it does not know': reading((reader) => ({
      async getSkillHealth(skillId, options) {
        const right = await reader.getSkillHealth(skillId, options);
        return right && { ...right, score: right.score ?? 50 };
      },
    })),
    'looks at all time': reading((reader) => ({
      getSkillHealth: (skillId, options) => reader.getSkillHealth(skillId, { ...options, days: 1000 }),
    })),
    'forgets the days': reading((reader) => ({
      getSkillHealth: (skillId, options) => reader.getSkillHealth(skillId, { ...options, days: 30 }),
    })),
    'mixes up the parts': reading((reader) => ({
      async getSkillHealth(skillId, options) {
        const right = await reader.getSkillHealth(skillId, options);
        const computed = right?.computed && {
          ...right.computed,
          parts: { ...right.computed.parts, rating: right.computed.parts.usage, usage: right.computed.parts.rating },
        };
        return right && { ...right, computed: computed ?? null };
      },
    })),
  },
  'the health of skills is listed worst first': {
    'has the best first': reading((reader) => ({
      listSkillHealth: async (options) => (await reader.listSkillHealth(options)).toReversed(),
    })),
    'forgets the limit': reading((reader) => ({
      listSkillHealth: (options) => reader.listSkillHealth({ ...options, limit: 1000 }),
    })),
    'lists all there are': reading((reader) => ({
      listSkillHealth: (options) => reader.listSkillHealth({ ...options, skillIds: undefined }),
    })),
    'leaves out what has no score': reading((reader) => ({
      listSkillHealth: async (options) => (await reader.listSkillHealth(options)).filter(({ score }) => score !== null),
    })),
  },
};
