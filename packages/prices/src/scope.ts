import type { AnalyticsEvent, ExecutionEvent, ExecutionKind } from '@toolweaver/analytics-core';
import { executionKinds, type OptionChecks, type OptionNames } from '@toolweaver/analytics-core/backend';
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

const known: OptionNames<SpendFilter> = {
  kind: true,
  name: true,
  model: true,
  provider: true,
  userId: true,
  orgId: true,
  runId: true,
};
const fields = Object.keys(known) as readonly (keyof SpendFilter)[];

/**
 * Checks a filter, and cleans its values as core cleans ids and names, so that it finds what was recorded under them. `group`: the
 * name of the option that holds the filter.
 */
export function checkFilter(check: OptionChecks, group: string, filter: SpendFilter | undefined): SpendFilter {
  const given = check.group(group, filter, known);
  const wanted = Object.keys(given).filter((name) => name in known) as (keyof SpendFilter)[];
  const entries = wanted.map((name) => {
    const field = `${group}.${name}`;
    return [name, name === 'kind' ? check.choice(field, given.kind, executionKinds) : check.id(field, given[name])];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

export function matches(event: AnalyticsEvent, filter: SpendFilter): event is ExecutionEvent {
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
