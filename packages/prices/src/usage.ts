import type { Problem, Usage } from '@toolweaver/analytics-core';
import { createCounts } from './counts.ts';
import { isFields } from './fields.ts';
import { findUsage } from './find-usage.ts';

/** The token counts of a response, or why there are none. */
export interface UsageReading {
  /** In disjoint classes, as `recordLlmCall` takes them; undefined when the counts are missing, invalid or contradictory. */
  readonly usage: Usage | undefined;
  /** Empty where `usage` is known. */
  readonly problems: readonly Problem[];
}

/**
 * Reads token usage from a response, or from its usage object alone: OpenAI (chat completions, responses, Realtime and Codex),
 * Anthropic, Gemini, Cohere, Ollama, Bedrock's Converse, OpenRouter, the Vercel AI SDK (4 to 7), messages of LangChain, the
 * attributes of OpenTelemetry's GenAI conventions, and what it returned itself. Some providers include cached and reasoning tokens
 * in other counts; here they are separate. Counts that contradict one another, and those of cached or reasoning tokens under
 * unknown names, are reported as problems, never corrected. Never throws.
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
      const known = 'OpenAI, Anthropic, Gemini, Cohere, Ollama, Bedrock, the AI SDK, LangChain and OpenTelemetry';
      return refused('usage', `is not there, or of no known form; known are ${known}`);
    }
    const problems: Problem[] = [];
    const counts = createCounts(found.usage, problems);
    const usage = found.shape(counts, found.usage);
    counts.checkUnread();
    return problems.length === 0 ? { usage, problems } : { usage: undefined, problems };
  } catch {
    return refused('response', 'cannot be read: one of its fields throws');
  }
}

function refused(field: string, message: string): UsageReading {
  return { usage: undefined, problems: [{ field, message }] };
}
