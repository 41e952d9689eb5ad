import type { OperationDetails } from '@toolweaver/analytics-core';
import { usageFrom } from '@toolweaver/analytics-prices';

/** The usage in a response or, if that cannot be read, the attribute `usage_problem`, which says why the cost is unknown. */
export function usageOf(response: unknown): Pick<OperationDetails, 'usage' | 'attributes'> {
  if (response === undefined || response === null) {
    return {};
  }
  const { usage, problems } = usageFrom(response);
  const text = problems.map(({ field, message }) => `${field} ${message}`).join('; ');
  return usage === undefined ? { attributes: { usage_problem: text } } : { usage };
}
