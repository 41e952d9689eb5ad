import assert from 'node:assert/strict';
import type { ExecutionEvent, ExecutionFilter } from '@toolweaver/analytics-core';
import type { Law } from '../law.ts';
import type { Trial } from '../trial.ts';
import { history, idsOf, newestFirst, readerOf } from './answers.ts';
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
      const { executions } = await trial.within('listExecutions()', readerOf(trial).listExecutions());
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

async function listAll(trial: Trial, filter: ExecutionFilter): Promise<ExecutionEvent[]> {
  const listed: ExecutionEvent[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 50; pages += 1) {
    const page = await trial.within('listExecutions()', readerOf(trial).listExecutions(filter, cursor));
    assert.ok(page.executions.length <= (filter.limit ?? 100), 'a page is no longer than its limit');
    listed.push(...page.executions);
    cursor = page.nextCursor;
    if (cursor === undefined) {
      return listed;
    }
  }
  return assert.fail('the pages of listExecutions() never end');
}
