import { randomUUID } from 'node:crypto';
import type { ExecutionEvent, LoggedRecommendation, Recommendation, SkillReader } from '@toolweaver/analytics-core';
import { countsOf, isLimit, refuse } from './figures.ts';

const day = 86_400_000;

type Uses = (skillId?: string, orgId?: string, from?: number, to?: number) => ExecutionEvent[];

/** Recommends by hand, and keeps the log in memory. */
export function recommendationsOver(
  uses: Uses,
): Pick<SkillReader, 'getRecommendations' | 'recordRecommendationFeedback' | 'listRecommendations'> {
  const log = new Map<string, LoggedRecommendation>();
  return {
    async getRecommendations(userId, options = {}) {
      const { orgId, limit = 5, types = ['collaborative', 'trending'], days = 30 } = options;
      refuse([
        ['limit', isLimit(limit)],
        ['days', days > 0],
      ]);
      const to = Date.now() + 1;
      const used = uses(undefined, orgId, to - days * day, to);
      const skillsOf = (user: string): Set<string> =>
        new Set(used.filter((row) => row.userId === user).map(({ name }) => name));
      const own = skillsOf(userId);
      const likenesses = [...new Set(used.flatMap((row) => row.userId ?? []))]
        .filter((user) => user !== userId)
        .map((user) => {
          const theirs = skillsOf(user);
          const shared = [...own].filter((skillId) => theirs.has(skillId)).length;
          return { theirs, likeness: shared / new Set([...own, ...theirs]).size };
        });
      const likenessOf = (skillId?: string): number =>
        likenesses
          .filter(({ theirs }) => skillId === undefined || theirs.has(skillId))
          .reduce((sum, { likeness }) => sum + likeness, 0);
      const growth = (skillId: string): number => {
        const middle = to - (days * day) / 2;
        const half = (some: ExecutionEvent[]): number => countsOf(some).executions;
        const earlier = half(uses(skillId, orgId, to - days * day, middle));
        const later = half(uses(skillId, orgId, middle, to));
        return (later - earlier) / (later + earlier + 10);
      };
      const found = new Map<string, Omit<Recommendation, 'id'>>();
      for (const type of ['collaborative', 'trending'] as const) {
        const ranked = [...new Set(used.map(({ name }) => name))]
          .filter((skillId) => types.includes(type) && !own.has(skillId))
          .map((skillId) => ({
            skillId,
            type,
            score: type === 'trending' ? growth(skillId) : likenessOf(skillId) / likenessOf(),
          }))
          .filter(({ score, skillId }) => score > 0 && !found.has(skillId))
          .sort((one, other) => other.score - one.score || (one.skillId < other.skillId ? -1 : 1));
        for (const one of ranked) {
          found.set(one.skillId, { ...one, reason: `Its score is ${one.score}.` });
        }
      }
      return [...found.values()].slice(0, limit).map((one) => {
        const known = [...log.values()].find(
          (row) => row.userId === userId && row.orgId === (orgId ?? null) && row.skillId === one.skillId,
        );
        const recommendation = { id: known?.id ?? randomUUID(), ...one };
        log.set(recommendation.id, {
          clickedAt: null,
          installedAt: null,
          ...known,
          ...recommendation,
          userId,
          orgId: orgId ?? null,
          recommendedAt: Date.now(),
        });
        return recommendation;
      });
    },

    async recordRecommendationFeedback(id, feedback) {
      const logged = log.get(id);
      if (logged !== undefined) {
        const field = feedback === 'clicked' ? 'clickedAt' : 'installedAt';
        log.set(id, { ...logged, [field]: logged[field] ?? Date.now() });
      }
      return logged !== undefined;
    },

    async listRecommendations({ userId, skillId, limit = 100 } = {}) {
      return [...log.values()]
        .filter((row) => userId === undefined || row.userId === userId)
        .filter((row) => skillId === undefined || row.skillId === skillId)
        .sort((one, other) => other.recommendedAt - one.recommendedAt || (one.id < other.id ? -1 : 1))
        .slice(0, limit);
    },
  };
}
