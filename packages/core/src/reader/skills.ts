import type { ExecutionKind } from '../events/event.ts';
import type { ExecutionCounts, LatencyStats, Window, WindowOptions } from './common.ts';

/** The window (default: the last 30 days) and the organisation of a skill's usage. */
export interface SkillUsageOptions extends WindowOptions {
  readonly orgId?: string | undefined;
}

/** Figures of a skill's executions in the window; with `orgId`, only of those recorded with that organisation. */
export interface SkillUsage extends ExecutionCounts, Window {
  readonly skillId: string;
  /** Distinct user ids. */
  readonly uniqueUsers: number;
  readonly latencyMs: LatencyStats;
  /** Unix time in ms; null if it was never used in the window. */
  readonly lastUsedAt: number | null;
}

/** The organisation of a skill's usage. */
export interface SkillMetricsOptions {
  readonly orgId?: string | undefined;
}

/** Figures of a skill over all time; with `orgId`, only from events recorded with that organisation. */
export interface SkillMetrics extends ExecutionCounts {
  readonly skillId: string;
  readonly averageLatencyMs: number | null;
  /** The number of ratings, in total and by stars; each counts once, regardless of sampling. */
  readonly ratings: number;
  readonly ratingCounts: Readonly<Record<1 | 2 | 3 | 4 | 5, number>>;
  /** Mean of the ratings, 1 to 5; null without any. */
  readonly averageRating: number | null;
  /**
   * The Bayesian average: the mean with five more ratings, each the mean of all ratings of all skills, so that a single five-star
   * rating does not make a skill the best one. Null without ratings.
   */
  readonly correctedRating: number | null;
  /** The latest health score that somebody set, 0 to 100; null if nobody did. */
  readonly healthScore: number | null;
  /** Unix times in ms; null if never. */
  readonly firstUsedAt: number | null;
  readonly lastUsedAt: number | null;
  readonly lastRatedAt: number | null;
  /** As in the latest health event that sets it; false if none does. */
  readonly deprecated: boolean;
}

/** The window of the computed score (default: the last 30 days), and the organisation. */
export interface SkillHealthOptions extends WindowOptions {
  readonly orgId?: string | undefined;
}

/** Which skills to list. */
export interface SkillHealthListOptions extends SkillHealthOptions {
  /** Unknown ones are left out. Default: every skill that was executed in the window, ever rated, or ever given a score. */
  readonly skillIds?: readonly string[] | undefined;
  /** 1 to 1000. Default: 100. */
  readonly limit?: number | undefined;
}

/** One of the four parts of a computed health score. */
export interface HealthPart {
  /** 0 to 100. */
  readonly score: number;
  /** Its share of the whole, 0 to 1. */
  readonly weight: number;
  /** `score` × `weight`: what it adds to the whole. */
  readonly points: number;
}

/**
 * Health = 0.40 · success percentage + 0.30 · (mean rating · 20, or 50 if unrated) + 0.20 · min(100, 10 · executions) +
 * 0.10 · (max(0, 100 − mean latency / 10), or 50 if no latency is known), from the executions and ratings in the window.
 * Without executions in the window, there is no computed score.
 */
export interface SkillHealth extends Window {
  readonly skillId: string;
  /** 0 to 100: the score that somebody set, else the computed one; null if there is neither. */
  readonly score: number | null;
  readonly source: 'set' | 'computed' | null;
  /** The latest score that somebody set, in the window or not. */
  readonly set: { readonly score: number; readonly at: number } | null;
  readonly computed: {
    readonly score: number;
    readonly parts: {
      readonly success: HealthPart;
      readonly rating: HealthPart;
      readonly usage: HealthPart;
      readonly latency: HealthPart;
    };
  } | null;
  /** The basis of the computed score. */
  readonly executions: number;
  readonly successRate: number | null;
  readonly averageLatencyMs: number | null;
  readonly averageRating: number | null;
  readonly ratings: number;
}

/** What a leaderboard ranks by; see `LeaderboardOptions.metric`. */
export type LeaderboardMetric =
  | 'executions'
  | 'success'
  | 'successLowerBound'
  | 'latency'
  | 'rating'
  | 'cost'
  | 'adoption';
/** The last 24 hours, 7 days or 30 days up to now, or all time. */
export type Period = 'day' | 'week' | 'month' | 'all';

/** What is ranked, by which metric, over which time. */
export interface LeaderboardOptions extends WindowOptions {
  /**
   * `executions`: most first; `success`: highest rate first; `successLowerBound`: highest lower bound of the rate first (so
   * that 1 of 1 does not beat 999 of 1000); `latency`: lowest average first, those without any known latency left out;
   * `rating`: highest average first, unrated left out; `cost`: highest first, those without a known cost left out;
   * `adoption`: most users first. Default: `executions`.
   */
  readonly metric?: LeaderboardMetric | undefined;
  /** Default: `all`. Not together with `days`, `from` or `to`. */
  readonly period?: Period | undefined;
  readonly orgId?: string | undefined;
  /** 1 to 1000. Default: 10. */
  readonly limit?: number | undefined;
  /** Leaves out what was executed fewer times in the window. Default: 1; 0 for `rating`. */
  readonly minExecutions?: number | undefined;
  /** The kind that is ranked. Default: `skill`; only skills have ratings. */
  readonly kind?: ExecutionKind | undefined;
}

/** One place on a leaderboard, with its figures in the window, whichever of them it is ranked by. */
export interface LeaderboardEntry extends ExecutionCounts {
  /** From 1. Equal scores are ordered by executions, then by name; for `rating` first by the number of ratings. */
  readonly rank: number;
  readonly name: string;
  /** The number that the metric ranks by: a count, a rate of 0 to 1, ms, stars of 1 to 5, or USD. */
  readonly score: number;
  /** Lower end of the 95 % Wilson interval of the success rate, 0 to 1; null without executions. */
  readonly successLowerBound: number | null;
  readonly latencyMs: LatencyStats;
  readonly averageRating: number | null;
  /** Each rating counts once, regardless of sampling. */
  readonly ratings: number;
  /** Sum of the known costs; null when none is known. */
  readonly totalCostUsd: number | null;
  readonly uniqueUsers: number;
}

/** How many skills, over which window (default: the last 30 days), and in which organisation. */
export interface TopSkillsOptions extends WindowOptions {
  readonly orgId?: string | undefined;
  /** 1 to 1000. Default: 10. */
  readonly limit?: number | undefined;
}

/** The window of an adoption report (default: the last 30 days), and whether it covers one organisation only. */
export interface AdoptionOptions extends WindowOptions {
  /** Only this organisation, whether it used the skill or not. Default: every organisation that did. */
  readonly orgId?: string | undefined;
}

/**
 * How far a skill has spread within one organisation, in the window (default: the last 30 days). Users are distinct user ids.
 * Growth and retention use the last fourteen full UTC days before the window's end, even if the window began later.
 */
export interface OrganisationAdoption {
  readonly orgId: string;
  /** Users of the skill. */
  readonly users: number;
  /** Users of the organisation that executed anything. */
  readonly activeUsers: number;
  /** `users` / `activeUsers`, 0 to 1; 0 if either is 0. */
  readonly adoptionRate: number;
  readonly executions: number;
  /** Growth of the users from the last full day but one to the last: 0.5 is 50 % more. Null without users on the earlier day. */
  readonly dailyGrowth: number | null;
  /** The same from the seven full days before the last seven to the last seven. */
  readonly weeklyGrowth: number | null;
  /** Share of the users of the seven days before the last seven who came back in the last seven, 0 to 1; null without any. */
  readonly retentionRate: number | null;
}

/** How many users a skill had in the window, in total and within each organisation. */
export interface SkillAdoption extends Window {
  readonly skillId: string;
  /** Users of the skill, with or without an organisation; with `orgId`, those in that one. */
  readonly users: number;
  /** Most users first, then by id. */
  readonly organisations: readonly OrganisationAdoption[];
}

/**
 * `collaborative`: used by users who share skills with this user. The similarity of two users is the Jaccard index of their
 * skills (those of both / those of either); a skill's score is its users' share of the summed similarity of all users.
 *
 * `trending`: executed more often in the later half of the window than in the earlier one. The score is (later − earlier) /
 * (later + earlier + 10): as if each half had five more executions, so that the first few are not unlimited growth.
 */
export type RecommendationType = 'collaborative' | 'trending';

/** How many recommendations to return, of which types, and from whose usage. */
export interface RecommendationOptions {
  /** Only usage with this organisation counts. */
  readonly orgId?: string | undefined;
  /** 1 to 1000. Default: 5. */
  readonly limit?: number | undefined;
  /** Default: both; trending ones fill up when there are too few collaborative ones. */
  readonly types?: readonly RecommendationType[] | undefined;
  /** Only usage of the last `days` × 24 hours up to now counts; > 0. Default: 30. */
  readonly days?: number | undefined;
}

/** A skill recommended to a user, with the reason. */
export interface Recommendation {
  /** UUID, for `recordRecommendationFeedback`. */
  readonly id: string;
  readonly skillId: string;
  readonly type: RecommendationType;
  /** 0 to 1; comparable only within one type and one answer. */
  readonly score: number;
  /** An English sentence with the figures that the score comes from. */
  readonly reason: string;
}

/** A logged recommendation, with what became of it. */
export interface LoggedRecommendation extends Recommendation {
  readonly userId: string;
  readonly orgId: string | null;
  /** Unix times in ms: when it was last recommended, and of the first feedback of each kind; null if there was none. */
  readonly recommendedAt: number;
  readonly clickedAt: number | null;
  readonly installedAt: number | null;
}

/** What the user did with a recommendation. */
export type RecommendationFeedback = 'clicked' | 'installed';

/** Which logged recommendations to list. */
export interface RecommendationLogOptions {
  readonly userId?: string | undefined;
  readonly skillId?: string | undefined;
  /** 1 to 1000. Default: 100. */
  readonly limit?: number | undefined;
}

/** Queries about skills. */
export interface SkillReader {
  /** Zeros and nulls for a skill that nobody used. */
  getSkillUsage(skillId: string, options?: SkillUsageOptions): Promise<SkillUsage>;
  /** Undefined for a skill that nobody used, rated, or gave a score. */
  getSkillMetrics(skillId: string, options?: SkillMetricsOptions): Promise<SkillMetrics | undefined>;
  /** Undefined for a skill that nobody used, rated, or gave a score. */
  getSkillHealth(skillId: string, options?: SkillHealthOptions): Promise<SkillHealth | undefined>;
  /** Lowest score first, those without one last; then by name. */
  listSkillHealth(options?: SkillHealthListOptions): Promise<readonly SkillHealth[]>;
  /** Skills, or any other kind, ranked by one measure. */
  getLeaderboard(options?: LeaderboardOptions): Promise<readonly LeaderboardEntry[]>;
  /** The leaderboard by executions, by default over the last 30 days. */
  getTopSkills(options?: TopSkillsOptions): Promise<readonly LeaderboardEntry[]>;
  /** Who uses a skill, by organisation, and how that grows. */
  getAdoption(skillId: string, options?: AdoptionOptions): Promise<SkillAdoption>;
  /**
   * Skills that the user has not used in the window and that are not deprecated: collaborative ones before trending
   * ones, best first, then by name. Recommendations are logged; a skill recommended again to the same user of the same
   * organisation keeps its id.
   */
  getRecommendations(userId: string, options?: RecommendationOptions): Promise<readonly Recommendation[]>;
  /** Resolves to false if there is no such recommendation. Only the first feedback of each kind is kept. */
  recordRecommendationFeedback(id: string, feedback: RecommendationFeedback): Promise<boolean>;
  /** Newest first, then by id. */
  listRecommendations(options?: RecommendationLogOptions): Promise<readonly LoggedRecommendation[]>;
}
