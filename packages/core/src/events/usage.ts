import { optionalWhole, refuseValue, requiredObject } from '../values/check.ts';
import type { Usage } from './event.ts';

export function toUsage(value: unknown): Usage | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  const usage: Partial<Record<keyof Usage, unknown>> = requiredObject(value, 'usage');
  const inputTokens = optionalWhole(usage.inputTokens, 'usage.inputTokens');
  const cacheReadTokens = optionalWhole(usage.cacheReadTokens, 'usage.cacheReadTokens');
  const cacheWriteTokens = optionalWhole(usage.cacheWriteTokens, 'usage.cacheWriteTokens');
  const outputTokens = optionalWhole(usage.outputTokens, 'usage.outputTokens');
  const reasoningTokens = optionalWhole(usage.reasoningTokens, 'usage.reasoningTokens');
  if ((inputTokens ?? cacheReadTokens ?? cacheWriteTokens ?? outputTokens ?? reasoningTokens) === undefined) {
    return noUsage(usage);
  }
  return {
    inputTokens: inputTokens ?? 0,
    cacheReadTokens: cacheReadTokens ?? 0,
    cacheWriteTokens: cacheWriteTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    reasoningTokens: reasoningTokens ?? 0,
  };
}

/** Usage without any number is unknown. Under other names it is refused, as it must not count as 0. */
function noUsage(usage: Readonly<Record<string, unknown>>): undefined {
  const names = Object.keys(usage).filter((name) => (usage[name] ?? undefined) !== undefined);
  if (names.length > 0) {
    refuseValue(names.join(', '), 'usage', 'inputTokens or the like (see usageFrom() of @toolweaver/analytics-prices)');
  }
}

/** The tokens of the input, cached or not. */
export function allInputTokens({ inputTokens, cacheReadTokens, cacheWriteTokens }: Usage): number {
  return inputTokens + cacheReadTokens + cacheWriteTokens;
}

/** The tokens of all classes, which share none. */
export function totalTokens(usage: Usage): number {
  return allInputTokens(usage) + usage.outputTokens + usage.reasoningTokens;
}
