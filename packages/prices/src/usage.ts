import type { Problem, Usage } from '@toolweaver/analytics-core';
import { createCounts } from './counts.ts';
import { isFields } from './fields.ts';
import { findUsage } from './usage-shapes.ts';

/** What a provider's answer says of tokens: their counts, or why it says none. */
export interface UsageReading {
  /** In disjoint classes, as `recordLlmCall` takes it; undefined where nothing is said, or nothing that can be believed. */
  readonly usage: Usage | undefined;
  /** Empty where `usage` is known. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the usage out of a response, or of its usage object alone: OpenAI (chat completions, responses and Realtime), Anthropic,
 * Gemini, Bedrock's Converse, the Vercel AI SDK (4 to 7), messages of LangChain, and the attributes of OpenTelemetry's GenAI
 * conventions. Providers count cached and reasoning tokens in or apart; here they are apart. Counts that contradict one another are
 * a problem, and never put right. Never throws.
 */
export function usageFrom(response: unknown): UsageReading {
  try {
    if (!isFields(response)) {
      return refused('response', 'must be an object: the response of a provider, or its usage');
    }
    for (const field of ['totalUsage', 'usage']) {
      const value = response[field];
      if (isFields(value) && 'then' in value) {
        return refused(field, 'is a promise: await it first');
      }
    }
    const found = findUsage(response);
    if (found === undefined) {
      const known = 'OpenAI, Anthropic, Gemini, Bedrock, the AI SDK, LangChain and OpenTelemetry';
      return refused('usage', `is not there, or of no known form; known are ${known}`);
    }
    const problems: Problem[] = [];
    const usage = found.shape(createCounts(found.usage, problems), found.usage);
    return problems.length === 0 ? { usage, problems } : { usage: undefined, problems };
  } catch {
    return refused('response', 'cannot be read: one of its fields throws');
  }
}

function refused(field: string, message: string): UsageReading {
  return { usage: undefined, problems: [{ field, message }] };
}
