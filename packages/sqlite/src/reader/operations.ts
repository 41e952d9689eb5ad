import type { ExecutionFilter, ExecutionOrder, OperationReader } from '@toolweaver/analytics-core';
import type { Ask } from '../answers/answers.ts';
import type { Position } from '../answers/executions.ts';
import { checkOptions } from '../check.ts';
import { formatCursor, parseCursor } from './cursor.ts';
import { checkLimit, checkRange, checkScope, kinds } from './options.ts';

const orders: readonly ExecutionOrder[] = ['time', 'latency', 'cost'];

export function operationReader(ask: Ask): Pick<OperationReader, 'listExecutions'> {
  return {
    async listExecutions(options, cursor) {
      const { limit, ...question } = checkOptions((check) => {
        const given: ExecutionFilter = options ?? {};
        const filter = {
          ...checkScope(check, given),
          ...checkRange(check, given, ''),
          kind: check.choice('kind', given.kind, kinds),
          name: check.text('name', given.name),
          success: check.flag('success', given.success),
          errorType: check.text('errorType', given.errorType),
          model: check.text('model', given.model),
          toolkit: check.text('toolkit', given.toolkit),
          version: check.text('version', given.version),
          minLatencyMs: check.number('minLatencyMs', given.minLatencyMs, { min: 0 }),
        };
        const orderBy = check.choice('orderBy', given.orderBy, orders) ?? 'time';
        const after = cursor === undefined ? undefined : parsePosition({ filter, orderBy }, cursor);
        if (cursor !== undefined && after === undefined) {
          check.wrong('cursor', 'must be the nextCursor of a page of the same filter and order');
        }
        return { filter, orderBy, after, limit: checkLimit(check, given.limit) ?? 100 };
      });
      // One more than asked for tells whether there is a next page.
      const found = await ask('executions', { ...question, limit: limit + 1 });
      const executions = found.slice(0, limit);
      const last = executions.at(-1);
      if (found.length === executions.length || last === undefined) {
        return { executions };
      }
      const { filter, orderBy } = question;
      const value = { time: 0, latency: last.latencyMs ?? 0, cost: last.cost?.nanoUsd ?? 0 }[orderBy];
      return { executions, nextCursor: formatCursor({ filter, orderBy }, [value, last.at, last.id]) };
    },
  };
}

function parsePosition(question: unknown, cursor: string): Position | undefined {
  const [value, at, id] = parseCursor(question, cursor) ?? [];
  return typeof value === 'number' && typeof at === 'number' && typeof id === 'string' ? { value, at, id } : undefined;
}
