import type { AnalyticsEvent, ExecutionEvent, ExecutionKind, Problem } from '@toolweaver/analytics-core';
import { cleanId, describeValue, executionKinds, unknownOptions } from '@toolweaver/analytics-core/backend';
import { normalName, providerNames } from './model-price.ts';

/** Which executions count: those that match every given field. */
export interface SpendFilter {
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly model?: string | undefined;
  /** Case-insensitive; `openai` also matches the AI SDK's `openai.responses`. */
  readonly provider?: string | undefined;
  readonly userId?: string | undefined;
  readonly orgId?: string | undefined;
  readonly runId?: string | undefined;
}

const known = {
  kind: true,
  name: true,
  model: true,
  provider: true,
  userId: true,
  orgId: true,
  runId: true,
} as const satisfies Record<keyof SpendFilter, true>;
const fields = Object.keys(known) as readonly (keyof SpendFilter)[];

/** `group`: the name of the option that holds the filter. */
export function checkFilter(filter: unknown, group: string, problems: Problem[]): void {
  problems.push(...unknownOptions(filter, known, group));
  const given: { readonly [K in keyof SpendFilter]: unknown } = Object(filter);
  for (const field of fields) {
    const value = given[field];
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      problems.push({
        field: `${group}.${field}`,
        message: `must be a non-empty string, got ${describeValue(value)}`,
      });
    } else if (field === 'kind' && value !== undefined && !executionKinds.some((kind) => kind === value)) {
      problems.push({
        field: `${group}.kind`,
        message: `must be one of ${executionKinds.join(', ')}, got ${describeValue(value)}`,
      });
    }
  }
}

/** Cleans the values as core cleans ids and names, so that the filter finds what was recorded under them. */
export function cleanFilter(filter: SpendFilter = {}): SpendFilter {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, cleanId(value)]));
}

export function isMeant(event: AnalyticsEvent, filter: SpendFilter): event is ExecutionEvent {
  return (
    event.type === 'execution' &&
    fields.every((field) => {
      const [wanted, given] = [filter[field], event[field]];
      return wanted === undefined || given === wanted || (field === 'provider' && isProvider(given, wanted));
    })
  );
}

/** Matches a provider in the same way as prices do. */
function isProvider(given: string | undefined, wanted: string): boolean {
  return given !== undefined && providerNames(given).includes(normalName(wanted));
}
