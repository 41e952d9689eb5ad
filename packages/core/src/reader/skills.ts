import type { ExecutionKind } from '../events/event.ts';
import type { ExecutionCounts, LatencyStats, Window, WindowOptions } from './common.ts';

/** When, and whose use of a skill counts. */
export interface SkillUsageOptions {
  /** The window: this many times 24 hours up to now; > 0. Default: 30. */
  readonly days?: number | undefined;
  readonly orgId?: string | undefined;
}

export interface SkillUsage extends ExecutionCounts, Window {
  readonly skillId: string;
  /** Users that are known by id. */
  readonly uniqueUsers: number;
  readonly latencyMs: LatencyStats;
  /** Unix time in ms; null if never in the window. */
  readonly lastUsedAt: number | null;
}

/** Whose use of a skill counts. */
export interface SkillMetricsOptions {
  readonly orgId?: string | undefined;
}

/** What is known of a skill over all time; with `orgId`, from what was recorded with that organisation alone. */
export interface SkillMetrics extends ExecutionCounts {
  readonly skillId: string;
  readonly averageLatencyMs: number | null;
  /** How many ratings there are, and how many of each number of stars; ratings count once, whatever the sampling. */
  readonly ratings: number;
  readonly ratingCounts: Readonly<Record<1 | 2 | 3 | 4 | 5, number>>;
  /** Mean of the ratings, 1 to 5; null without any. */
  readonly averageRating: number | null;
  /**
   * The Bayesian average: the mean as if five ratings more had been given, each the mean of all ratings of all skills. A
   * single five-star rating does not make a skill the best one. Null without ratings.
   */
  readonly correctedRating: number | null;
  /** The latest health score that somebody set, 0 to 100; null if nobody did. */
  readonly healthScore: number | null;
  /** Unix times in ms; null if never. */
  readonly firstUsedAt: number | null;
  readonly lastUsedAt: number | null;
  readonly lastRatedAt: number | null;
  /** What the latest health score that says anything of it says; false if none does. */
  readonly deprecated: boolean;
}

/** The window and the organisation of a health score. */
export interface SkillHealthOptions {
  /** The window of the computed score: this many times 24 hours up to now; > 0. Default: 30. */
  readonly days?: number | undefined;
  readonly orgId?: string | undefined;
}

/** Whose health is wanted. */
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
 * 0.10 · (max(0, 100 − mean latency / 10), or 50 if no latency is known), of the executions and the ratings in the window.
 * Without executions in it nothing can be computed.
 */
export interface SkillHealth extends Window {
  readonly skillId: string;
  /** 0 to 100: what somebody set, else what is computed; null if neither exists. */
  readonly score: number | null;
  readonly source: 'set' | 'computed' | null;
  /** The latest score that somebody set, whenever that was. */
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
  /** What the computed score is made of. */
  readonly executions: number;
  readonly successRate: number | null;
  readonly averageLatencyMs: number | null;
  readonly averageRating: number | null;
  readonly ratings: number;
}

/** What ranks a leaderboard; see the option `metric`. */
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

/** Who is ranked, by what, and when. */
export interface LeaderboardOptions {
  /**
   * `executions`: most first; `success`: highest rate first; `successLowerBound`: highest lower bound of the rate first (so
   * that 1 of 1 does not beat 999 of 1000); `latency`: lowest average first, those without any known latency left out;
   * `rating`: highest average first, unrated left out; `cost`: highest first, those without a known cost left out;
   * `adoption`: most users first. Default: `executions`.
   */
  readonly metric?: LeaderboardMetric | undefined;
  /** Default: `all`. */
  readonly period?: Period | undefined;
  readonly orgId?: string | undefined;
  /** 1 to 1000. Default: 10. */
  readonly limit?: number | undefined;
  /** Leaves out what was executed less often in the period. Default: 1; 0 for `rating`. */
  readonly minExecutions?: number | undefined;
  /** Whose leaderboard. Default: `skill`; ratings exist for skills only. */
  readonly kind?: ExecutionKind | undefined;
}

export interface LeaderboardEntry extends ExecutionCounts {
  /** From 1. Equal scores are ordered by executions, then by name. */
  readonly rank: number;
  readonly name: string;
  /** The number that the metric ranks by: a count, a rate of 0 to 1, ms, stars of 1 to 5, or USD. */
  readonly score: number;
  /** Lower end of the 95 % Wilson interval of the success rate, 0 to 1; null without executions. */
  readonly successLowerBound: number | null;
  readonly latencyMs: LatencyStats;
  readonly averageRating: number | null;
  /** Ratings count once, whatever the sampling. */
  readonly ratings: number;
  /** Sum of the known costs; null when none is known. */
  readonly totalCostUsd: number | null;
  readonly uniqueUsers: number;
}

/** How many, since when, and in which organisation. */
export interface TopSkillsOptions {
  /** This many times 24 hours up to now; > 0. Default: 30. */
  readonly days?: number | undefined;
  readonly orgId?: string | undefined;
  /** 1 to 1000. Default: 10. */
  readonly limit?: number | undefined;
}

export interface AdoptionOptions extends WindowOptions {
  /** This one alone, whether it used the skill or not. Default: every organisation that did. */
  readonly orgId?: string | undefined;
}

/**
 * How far a skill has spread within one organisation, in the window (default: the last 30 days). Users are those that are known
 * by id. Growth and retention are about the fourteen days of UTC up to the last one that was over at the window's end, even if
 * it began later.
 */
export interface OrganisationAdoption {
  readonly orgId: string;
  /** Users of the skill. */
  readonly users: number;
  /** Users of the organisation that executed anything. */
  readonly activeUsers: number;
  /** `users` / `activeUsers`, 0 to 1; 0 without either. */
  readonly adoptionRate: number;
  readonly executions: number;
  /** Users of the last full day against the day before it: 0.5 is half as many more. Null without users on the day before. */
  readonly dailyGrowth: number | null;
  /** Users of the last seven full days against the seven before them. */
  readonly weeklyGrowth: number | null;
  /** Share of the users of the seven days before the last seven who came back in these, 0 to 1; null without any. */
  readonly retentionRate: number | null;
}

export interface SkillAdoption extends Window {
  readonly skillId: string;
  /** Users of the skill, in an organisation or not; with `orgId`, in that one. */
  readonly users: number;
  /** Most users first, then by id. */
  readonly organisations: readonly OrganisationAdoption[];
}

/**
 * `collaborative`: used by those who use what this user uses. Two users are alike by the share of the skills of either that are
 * skills of both (Jaccard); a skill's score is the part that its users have of the likeness of all.
 *
 * `trending`: executed more often in the later half of the window than in the earlier one. The score is (later − earlier) /
 * (later + earlier + 10): as if each half had five executions more, so that a first few are no boundless growth.
 */
export type RecommendationType = 'collaborative' | 'trending';

/** How many recommendations are wanted, of which types, and whose usage they are made of. */
export interface RecommendationOptions {
  /** Only usage with this organisation counts. */
  readonly orgId?: string | undefined;
  /** 1 to 1000. Default: 5. */
  readonly limit?: number | undefined;
  /** Default: both; trending ones where there are too few collaborative ones. */
  readonly types?: readonly RecommendationType[] | undefined;
  /** Usage of this many times 24 hours up to now counts; > 0. Default: 30. */
  readonly days?: number | undefined;
}

/** A skill for a user, with the reason. */
export interface Recommendation {
  /** UUID, for `recordRecommendationFeedback`. */
  readonly id: string;
  readonly skillId: string;
  readonly type: RecommendationType;
  /** 0 to 1: comparable within one type and answer only. */
  readonly score: number;
  /** An English sentence with the figures that the score comes from. */
  readonly reason: string;
}

/** What became of a recommendation. */
export interface LoggedRecommendation extends Recommendation {
  readonly userId: string;
  readonly orgId: string | null;
  /** Unix times in ms: of the last time it was recommended, and of the first feedback; null for what has not happened. */
  readonly recommendedAt: number;
  readonly clickedAt: number | null;
  readonly installedAt: number | null;
}

/** What became of a recommendation. */
export type RecommendationFeedback = 'clicked' | 'installed';

/** Which of the logged recommendations are wanted. */
export interface RecommendationLogOptions {
  readonly userId?: string | undefined;
  readonly skillId?: string | undefined;
  /** 1 to 1000. Default: 100. */
  readonly limit?: number | undefined;
}

/** The questions about skills. */
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
  /** The leaderboard by executions over a number of days. */
  getTopSkills(options?: TopSkillsOptions): Promise<readonly LeaderboardEntry[]>;
  /** Who uses a skill, by organisation, and how that grows. */
  getAdoption(skillId: string, options?: AdoptionOptions): Promise<SkillAdoption>;
  /**
   * Skills that the user has not used in the window and that are not deprecated: collaborative ones before trending ones, best
   * first, then by name. What is recommended is logged; recommended again to the same user of the same organisation, it keeps
   * its id.
   */
  getRecommendations(userId: string, options?: RecommendationOptions): Promise<readonly Recommendation[]>;
  /** Resolves to false when there is no such recommendation. The first feedback of each sort stays. */
  recordRecommendationFeedback(id: string, feedback: RecommendationFeedback): Promise<boolean>;
  /** Newest first, then by id. */
  listRecommendations(options?: RecommendationLogOptions): Promise<readonly LoggedRecommendation[]>;
}
