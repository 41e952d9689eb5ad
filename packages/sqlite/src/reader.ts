import type {
  AnalyticsReader,
  ExecutionEvent,
  ExecutionFilter,
  ExecutionKind,
  LeaderboardEntry,
  LeaderboardMetric,
  Period,
  Scope,
  SkillUsage,
  Summary,
  TimeRange,
} from '@toolweaver/analytics-core';
import { type Checks, checkOptions } from './check.ts';
import type { Filter, Position, Question } from './question.ts';
import type { Thread } from './thread.ts';

const dayMs = 86_400_000;
const kinds: readonly ExecutionKind[] = ['skill', 'tool', 'llm', 'agent', 'search', 'operation'];
const metrics: readonly LeaderboardMetric[] = ['executions', 'success', 'latency', 'rating'];
const periods: readonly Period[] = ['day', 'week', 'month', 'all'];
const periodDays = { day: 1, week: 7, month: 30 };

/** Checks the questions on the caller's side, and has the thread answer them. */
export function createReader(thread: Thread): AnalyticsReader {
  const ask = (question: Question): Promise<unknown> => thread.call({ op: 'read', question }, { hold: true });

  return {
    async getSkillUsage(skillId, options) {
      const filter = checkOptions((check) => {
        const name = check.text('skillId', skillId ?? '') ?? '';
        const { days, orgId } = options ?? {};
        const length = check.number('days', days, { above: 0 }) ?? 30;
        return { kind: 'skill' as const, name, orgId: check.text('orgId', orgId), ...lastDays(length) };
      });
      return (await ask({ ask: 'usage', filter })) as SkillUsage;
    },

    async getLeaderboard(options) {
      const question = checkOptions((check): Question => {
        const { metric, period, orgId, limit, minExecutions, kind } = options ?? {};
        const rankedBy = check.choice('metric', metric, metrics) ?? 'executions';
        const window = check.choice('period', period, periods) ?? 'all';
        const least = check.number('minExecutions', minExecutions, { min: 0 });
        return {
          ask: 'leaderboard',
          metric: rankedBy,
          filter: { orgId: check.text('orgId', orgId), ...(window !== 'all' && lastDays(periodDays[window])) },
          limit: checkLimit(check, limit) ?? 10,
          minExecutions: least ?? (rankedBy === 'rating' ? 0 : 1),
          kind: check.choice('kind', kind, kinds) ?? 'skill',
        };
      });
      return (await ask(question)) as LeaderboardEntry[];
    },

    async summary(options) {
      const filter = checkOptions((check): Filter => {
        const { range, ...scope } = options ?? {};
        return { ...checkScope(check, scope), ...checkRange(check, range ?? {}, 'range.') };
      });
      return (await ask({ ask: 'summary', filter })) as Summary;
    },

    async listExecutions(options, cursor) {
      const question = checkOptions((check) => {
        const filter: ExecutionFilter = options ?? {};
        return {
          ask: 'executions' as const,
          filter: {
            ...checkScope(check, filter),
            ...checkRange(check, filter, ''),
            kind: check.choice('kind', filter.kind, kinds),
            name: check.text('name', filter.name),
            success: check.flag('success', filter.success),
            errorType: check.text('errorType', filter.errorType),
          },
          limit: checkLimit(check, filter.limit) ?? 100,
          after: cursor === undefined ? undefined : (parseCursor(cursor) ?? check.wrong('cursor', 'is none of ours')),
        };
      });
      // One more than asked for tells whether there is a next page.
      const found = (await ask({ ...question, limit: question.limit + 1 })) as ExecutionEvent[];
      const executions = found.slice(0, question.limit);
      const last = executions.at(-1);
      return found.length === executions.length || last === undefined
        ? { executions }
        : { executions, nextCursor: formatCursor(last) };
    },
  };
}

/** What was recorded in this very ms is inside. */
function lastDays(days: number): { from: number; to: number } {
  const to = Date.now() + 1;
  return { from: to - days * dayMs, to };
}

function checkLimit(check: Checks, limit: unknown): number | undefined {
  return check.number('limit', limit, { min: 1, max: 1000, whole: true });
}

function checkScope(check: Checks, { orgId, userId, runId }: Scope): Scope {
  return {
    orgId: check.text('orgId', orgId),
    userId: check.text('userId', userId),
    runId: check.text('runId', runId),
  };
}

function checkRange(check: Checks, range: TimeRange, prefix: string): TimeRange {
  const from = check.number(`${prefix}from`, range.from);
  const to = check.number(`${prefix}to`, range.to);
  if (from !== undefined && to !== undefined && from > to) {
    check.wrong(`${prefix}from`, `must not be after to (${to}), got ${from}`);
  }
  return { from, to };
}

function formatCursor({ at, id }: Position): string {
  return Buffer.from(`${at} ${id}`).toString('base64url');
}

function parseCursor(cursor: string): Position | undefined {
  const [, at, id] = /^(\d+) ([0-9a-f-]{36})$/.exec(Buffer.from(String(cursor), 'base64url').toString()) ?? [];
  return at === undefined || id === undefined ? undefined : { at: Number(at), id };
}
