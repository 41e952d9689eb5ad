import { describeValue } from '@toolweaver/analytics-core/backend';

/** Describes a value that is not a list of the required length. */
export function showList(value: unknown): string {
  return Array.isArray(value) ? `${value.length} of them` : describeValue(value);
}
