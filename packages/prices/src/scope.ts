import type { AnalyticsEvent, ExecutionEvent, ExecutionKind, Problem } from '@toolweaver/analytics-core';
import { cleanId, describeValue, executionKinds, unknownOptions } from '@toolweaver/analytics-core/backend';
import { normalName, providerNames } from './model-price.ts';

/** Which executions count; what is left out does not matter. */
export interface SpendFilter {
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly model?: string | undefined;
  /** In any case; `openai` is also the AI SDK's `openai.responses`. */
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

/** `group`: the option that the filter is. */
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

/** As core records ids and names, so that the filter finds what was recorded under them. */
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

/** As prices name it. */
function isProvider(given: string | undefined, wanted: string): boolean {
  return given !== undefined && providerNames(given).includes(normalName(wanted));
}
