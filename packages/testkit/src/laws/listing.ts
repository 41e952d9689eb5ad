import assert from 'node:assert/strict';
import type { ExecutionEvent, ExecutionFilter } from '@toolweaver/analytics-core';
import type { Law } from '../law.ts';
import type { Trial } from '../trial.ts';
import { allPages, ask, history, idsOf, newestFirst } from './answers.ts';
import { sameEvents } from './fields.ts';

/** Readers list single executions, in order and in pages. */
export const listingLaws: readonly Law[] = [
  {
    law: 'every execution is listed once, newest first, page by page',
    only: 'reader',
    async check(trial) {
      const events = history();
      await trial.deliver(events);
      const listed = await listAll(trial, { limit: 4 });
      assert.deepEqual(idsOf(listed), idsOf(newestFirst(events)), 'newest first');
      sameEvents(listed, events);
      const { executions } = await ask(trial, 'listExecutions');
      assert.deepEqual(idsOf(executions), idsOf(newestFirst(events)), 'all of them without a filter');
    },
  },
  {
    law: 'the list of executions keeps to its filter',
    only: 'reader',
    async check(trial) {
      const events = history();
      await trial.deliver(events);
      const [, , from = 0, , to = 0] = newestFirst(events)
        .map(({ at }) => at)
        .reverse();
      const filters: [ExecutionFilter, (event: ExecutionEvent) => boolean][] = [
        [{ kind: 'tool' }, ({ kind }) => kind === 'tool'],
        [{ name: 'summarise' }, ({ name }) => name === 'summarise'],
        [{ success: false }, ({ success }) => !success],
        [{ errorType: 'TimeoutError' }, ({ error }) => error?.type === 'TimeoutError'],
        [{ orgId: 'org-1' }, ({ orgId }) => orgId === 'org-1'],
        [{ userId: 'user-1', success: true }, ({ userId, success }) => userId === 'user-1' && success],
        [{ runId: 'run-1' }, ({ runId }) => runId === 'run-1'],
        [{ from, to }, ({ at }) => at >= from && at < to],
        [{ name: `' OR 1=1 --` }, () => false],
      ];
      for (const [filter, matches] of filters) {
        const expected = newestFirst(events.filter(matches));
        const listed = await listAll(trial, { ...filter, limit: 2 });
        assert.deepEqual(idsOf(listed), idsOf(expected), `of the filter ${JSON.stringify(filter)}`);
      }
    },
  },
];

export function listAll(trial: Trial, filter: ExecutionFilter & { readonly limit: number }): Promise<ExecutionEvent[]> {
  return allPages(
    (cursor) => ask(trial, 'listExecutions', filter, cursor),
    ({ executions }) => executions,
    filter.limit,
  );
}
