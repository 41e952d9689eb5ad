import type { OrganisationAdoption } from '@toolweaver/analytics-core';
import { but, type Mutants, reading } from './altered.ts';

/** Says something else of each organisation. */
function organisations(change: (one: OrganisationAdoption) => Partial<OrganisationAdoption>): Mutants[string][string] {
  return reading((reader) => ({
    getAdoption: (skillId, options) =>
      but(reader.getAdoption(skillId, options), ({ organisations: all }) => ({
        organisations: all.map((one) => ({ ...one, ...change(one) })),
      })),
  }));
}

export const adoptionMutants: Mutants = {
  'adoption is counted by organisation, and its growth by whole days': {
    'counts executions for users': organisations(({ executions }) => ({ users: executions })),
    'takes the users of the skill for all': organisations(({ users }) => ({ activeUsers: users, adoptionRate: 1 })),
    'has percentages': organisations(({ adoptionRate }) => ({ adoptionRate: adoptionRate * 100 })),
    'has the growth as a factor': organisations(({ dailyGrowth }) => ({
      dailyGrowth: dailyGrowth === null ? null : dailyGrowth + 1,
    })),
    'counts whoever came for the first time as back': organisations(({ retentionRate }) => ({
      retentionRate: retentionRate === null ? null : 1,
    })),
    'has no growth from nothing': organisations(({ weeklyGrowth }) => ({ weeklyGrowth: weeklyGrowth ?? 0 })),
    'looks at the last 30 days': reading((reader) => ({
      getAdoption: (skillId, options) => reader.getAdoption(skillId, { orgId: options?.orgId }),
    })),
    'adds up its organisations': reading((reader) => ({
      getAdoption: (skillId, options) =>
        but(reader.getAdoption(skillId, options), ({ organisations: all }) => ({
          users: all.reduce((sum, { users }) => sum + users, 0) - 1,
        })),
    })),
    'has the fewest users first': reading((reader) => ({
      getAdoption: (skillId, options) =>
        but(reader.getAdoption(skillId, options), ({ organisations: all }) => ({ organisations: all.toReversed() })),
    })),
    'forgets the organisation': reading((reader) => ({
      getAdoption: (skillId, options) => reader.getAdoption(skillId, { ...options, orgId: undefined }),
    })),
  },
  'what users alike use is recommended, and logged with what became of it': {
    'recommends what is used most': reading((reader) => ({
      getRecommendations: (userId, options) => reader.getRecommendations(userId, { ...options, types: ['trending'] }),
    })),
    'takes all users for equally alike': reading((reader) => ({
      getRecommendations: async (userId, options) =>
        (await reader.getRecommendations(userId, options)).map((one) =>
          one.skillId === 'd' ? { ...one, score: 0.5 } : one,
        ),
    })),
    'recommends anew each time': reading((reader) => ({
      getRecommendations: async (userId, options) =>
        (await reader.getRecommendations(userId, options)).map((one) => ({ ...one, id: crypto.randomUUID() })),
    })),
    'thanks for any feedback': reading((reader) => ({
      recordRecommendationFeedback: async (id, feedback) => {
        await reader.recordRecommendationFeedback(id, feedback);
        return true;
      },
    })),
    'forgets the feedback': reading((reader) => ({
      listRecommendations: async (options) =>
        (await reader.listRecommendations(options)).map((one) => ({ ...one, clickedAt: null })),
    })),
    'takes a click for an installation': reading((reader) => ({
      recordRecommendationFeedback: (id) => reader.recordRecommendationFeedback(id, 'installed'),
    })),
    'keeps what was clicked alone': reading((reader) => ({
      listRecommendations: async (options) =>
        (await reader.listRecommendations(options)).filter(({ clickedAt }) => clickedAt !== null),
    })),
    'keeps no log': reading(() => ({ listRecommendations: async () => [] })),
  },
};
