import type {
  CompareVersionsOptions,
  FigureCondition,
  MetricCondition,
  RunFigure,
  RunFilter,
  RunReader,
  RunState,
  RunSummary,
} from '@toolweaver/analytics-core';
import {
  checkOptions,
  configError,
  executionKinds,
  type OptionChecks,
  type OptionNames,
} from '@toolweaver/analytics-core/backend';
import type { Ask } from '../answers/answers.ts';
import type { RunPosition, RunsQuestion } from '../answers/runs.ts';
import { formatCursor, parseCursor } from './cursor.ts';
import { checkId, checkLimit, checkRange, checkWindow, rangeNames, windowNames } from './options.ts';
import { toRecord } from './record.ts';
import { showList } from './show-list.ts';

const runNames: OptionNames<RunFilter> = {
  ...rangeNames,
  project: true,
  name: true,
  state: true,
  tag: true,
  where: true,
  orderBy: true,
  order: true,
  limit: true,
};
const comparedNames: OptionNames<CompareVersionsOptions> = { ...windowNames, kind: true, orgId: true };
const conditionNames: OptionNames<AnyCondition> = { metric: true, figure: true, op: true, value: true };
const states: readonly RunState[] = ['started', 'finished', 'failed'];
const figures: readonly RunFigure[] = [
  'startedAt',
  'durationMs',
  'executions',
  'failures',
  'totalTokens',
  'totalCostUsd',
];
const directions = ['asc', 'desc'] as const;
const operators: readonly MetricCondition['op'][] = ['<', '<=', '=', '>=', '>'];
const maxConditions = 100;
const maxCompared = 100;

export function runReader(ask: Ask): RunReader {
  return {
    async listRuns(options, cursor) {
      const { limit, ...question } = checkOptions(options, runNames, (check, given) => readRuns(check, given, cursor));
      // One more than requested tells whether there is a next page.
      const found = await ask('runs', { ...question, limit: limit + 1 });
      const page = found.slice(0, limit);
      const runs = page.map(({ summary }) => withRecords(summary));
      const last = page.at(-1);
      if (found.length === page.length || last === undefined) {
        return { runs };
      }
      const { after: _, ...asked } = question;
      const { value, startedAt, runId } = last.position;
      return { runs, nextCursor: formatCursor(asked, [value, startedAt, runId]) };
    },

    async getRun(runId) {
      const found = await ask(
        'run',
        checkOptions(undefined, {}, (check) => ({ runId: checkId(check, 'runId', runId) })),
      );
      return found && withRecords(found);
    },

    async getRunMetrics(runId, options) {
      const question = checkOptions(options, { name: true, limit: true }, (check, given) => ({
        runId: checkId(check, 'runId', runId),
        name: check.id('name', given.name),
        limit: check.number('limit', given.limit, { min: 1, max: 100_000, whole: true }) ?? 10_000,
      }));
      return ask('runMetrics', question);
    },

    async compareRuns(runIds) {
      const question = checkOptions(undefined, {}, (check) => ({
        runIds: checkIds(check, 'runIds', runIds, 2, maxCompared),
      }));
      const found = await ask('compare', question);
      if ('unknown' in found) {
        const { unknown } = found;
        const problems = question.runIds.flatMap((runId, at) => {
          const message = `must be a run that was recorded, got ${JSON.stringify(runId)}`;
          return unknown.includes(runId) ? [{ field: `runIds[${at}]`, message }] : [];
        });
        throw configError(problems);
      }
      return {
        ...found,
        runs: found.runs.map(withRecords),
        config: toRecord(found.config),
        metrics: toRecord(found.metrics),
      };
    },

    async compareVersions(name, versions, options) {
      const question = checkOptions(options, comparedNames, (check, given) => {
        const [one = '', other = ''] = checkIds(check, 'versions', versions, 2, 2);
        const filter = {
          name: checkId(check, 'name', name),
          kind: check.choice('kind', given.kind, executionKinds) ?? ('skill' as const),
          orgId: check.id('orgId', given.orgId),
          ...checkWindow(check, given),
        };
        return { filter, versions: [one, other] as const };
      });
      return ask('versions', question);
    },
  };
}

function readRuns(check: OptionChecks, given: RunFilter, cursor: string | undefined): RunsQuestion {
  const asked = {
    filter: {
      ...checkRange(check, given),
      project: check.id('project', given.project),
      name: check.id('name', given.name),
      state: check.choice('state', given.state, states),
      tag: check.id('tag', given.tag),
      where: checkConditions(check, given.where),
    },
    orderBy: checkOrder(check, given.orderBy),
    order: check.choice('order', given.order, directions) ?? 'desc',
  };
  const after = cursor === undefined ? undefined : parsePosition(asked, cursor);
  if (cursor !== undefined && after === undefined) {
    check.problem('cursor', 'must be the nextCursor of a page of the same filter and order');
  }
  return { ...asked, after, limit: checkLimit(check, given.limit) ?? 100 };
}

/** Objects from another thread have a prototype again. */
function withRecords<S extends RunSummary>(summary: S): S {
  return { ...summary, metrics: toRecord(Object.entries(summary.metrics)) };
}

function checkIds(check: OptionChecks, field: string, ids: unknown, min: number, max: number): string[] {
  if (!Array.isArray(ids) || ids.length < min || ids.length > max) {
    const count = min === max ? `${min}` : `${min} to ${max}`;
    check.problem(field, `must be a list of ${count} strings, got ${showList(ids)}`);
    return [];
  }
  return Array.from(ids, (id, at) => checkId(check, `${field}[${at}]`, id));
}

function checkOrder(check: OptionChecks, orderBy: RunFilter['orderBy']): RunsQuestion['orderBy'] {
  if (typeof orderBy === 'object' && orderBy !== null) {
    const { metric } = check.group('orderBy', orderBy, { metric: true });
    return { metric: checkId(check, 'orderBy.metric', metric) };
  }
  return check.choice('orderBy', orderBy, figures) ?? 'startedAt';
}

type Condition = MetricCondition | FigureCondition;
type AnyCondition = MetricCondition & FigureCondition;

function checkConditions(check: OptionChecks, where: readonly Condition[] = []): Condition[] {
  if (!Array.isArray(where) || where.length > maxConditions) {
    check.problem('where', `must be a list of at most ${maxConditions} conditions, got ${showList(where)}`);
    return [];
  }
  return Array.from(where, (condition: Partial<AnyCondition> | undefined, at) => {
    const { metric, figure, op, value } = check.group(`where[${at}]`, condition ?? {}, conditionNames);
    const compared = {
      op: check.required.choice(`where[${at}].op`, op, operators) ?? '=',
      value: check.required.number(`where[${at}].value`, value) ?? 0,
    };
    if (figure === undefined) {
      return { metric: checkId(check, `where[${at}].metric`, metric), ...compared };
    }
    if (metric !== undefined) {
      check.problem(`where[${at}].figure`, 'and metric are two conditions');
    }
    return { figure: check.choice(`where[${at}].figure`, figure, figures) ?? 'startedAt', ...compared };
  });
}

function parsePosition(question: unknown, cursor: string): RunPosition | undefined {
  const [value = null, startedAt, runId] = parseCursor(question, cursor) ?? [];
  return (value === null || typeof value === 'number') && typeof startedAt === 'number' && typeof runId === 'string'
    ? { value, startedAt, runId }
    : undefined;
}
