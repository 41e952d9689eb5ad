import type { AnalyticsEvent, ExecutionEvent, ExecutionKind, Problem } from '@toolweaver/analytics-core';
import { cleanId } from '@toolweaver/analytics-core/backend';
import { isFields } from './counts.ts';

/** Which executions count; what is left out does not matter. */
export interface SpendFilter {
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly model?: string | undefined;
  readonly provider?: string | undefined;
  readonly userId?: string | undefined;
  readonly orgId?: string | undefined;
  readonly runId?: string | undefined;
}

const fields = ['kind', 'name', 'model', 'provider', 'userId', 'orgId', 'runId'] as const;

export function checkFilter(filter: unknown, problems: Problem[]): void {
  if (!isFields(filter)) {
    problems.push({ field: 'filter', message: 'must be an object' });
    return;
  }
  for (const [name, value] of Object.entries(filter)) {
    if (!(fields as readonly string[]).includes(name)) {
      problems.push({ field: `filter.${name}`, message: `is not known; known are ${fields.join(', ')}` });
    } else if (value !== undefined && (typeof value !== 'string' || value === '')) {
      problems.push({ field: `filter.${name}`, message: 'must be a text that is not empty' });
    }
  }
}

/** As core records ids and names, so that the filter finds what was recorded under them. */
export function cleanFilter(filter: SpendFilter = {}): SpendFilter {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, cleanId(value)]));
}

export function isMeant(event: AnalyticsEvent, filter: SpendFilter): event is ExecutionEvent {
  return (
    event.type === 'execution' && fields.every((field) => filter[field] === undefined || event[field] === filter[field])
  );
}
