import { type Fields, isFields } from './fields.ts';
import type { Shape } from './usage-shape.ts';
import {
  aiSdk,
  aiSdkEmbedding,
  aiSdkModel,
  anthropic,
  bedrock,
  camelChat,
  chat,
  cohere,
  gemini,
  langChain,
  ollama,
  openAiAgents,
  openTelemetry,
  openTelemetryPrefix,
  own,
  responses,
} from './usage-shapes.ts';

/** What `usageFrom` returns. */
const ownNames = 'cacheReadTokens,cacheWriteTokens,inputTokens,outputTokens,reasoningTokens';

export interface Found {
  readonly usage: Fields;
  readonly shape: Shape;
}

/** Finds the usage in a response, which may itself be the usage, and how to read it; undefined when no form matches. */
export function findUsage(response: Fields): Found | undefined {
  const {
    attributes,
    usageMetadata,
    usage_metadata: ofLangChain,
    totalUsage,
    usage,
    response: ended,
    x_groq,
    meta,
  } = response;
  for (const usage of [attributes, response]) {
    if (isFields(usage) && Object.keys(usage).some((name) => name.startsWith(openTelemetryPrefix))) {
      // Other attributes say what was asked for, such as how much to think at most.
      const counts = Object.entries(usage).filter(([name]) => name.includes('usage.'));
      return { usage: Object.fromEntries(counts), shape: openTelemetry };
    }
  }
  // Where the AI SDK has a `totalUsage`, its `usage` may be that of the last step only.
  const ofCohere = isFields(meta) && 'billed_units' in meta ? meta : undefined;
  const inside = [usageMetadata, ofLangChain, totalUsage, usage, ofCohere].find(isFields);
  // The last event of a stream of OpenAI or Groq has the response, with its usage, in it.
  const around =
    inside === undefined ? [ended, x_groq].find((one) => isFields(one) && isFields(one['usage'])) : undefined;
  if (isFields(around)) {
    return findUsage(around);
  }
  return shaped(inside ?? response, response);
}

function shaped(inside: Fields, response: Fields): Found | undefined {
  const shape = shapeOf(inside, response);
  return shape && { usage: inside, shape };
}

function shapeOf(usage: Fields, response: Fields): Shape | undefined {
  const has = (...names: string[]): boolean => names.some((name) => name in usage);
  if (has('promptTokenCount', 'candidatesTokenCount', 'totalTokenCount')) {
    return gemini;
  }
  if (has('prompt_tokens')) {
    return chat;
  }
  if (has('input_token_details', 'output_token_details')) {
    return langChain;
  }
  if (has('input_tokens', 'output_tokens')) {
    const isAnthropic =
      response['type'] === 'message' ||
      has('cache_creation_input_tokens', 'cache_read_input_tokens', 'cache_creation', 'iterations');
    const isOpenAi = response['object'] === 'response' || has('input_tokens_details', 'total_tokens');
    // With the marks of both, it is unclear which one it is.
    return isAnthropic ? (isOpenAi ? undefined : anthropic) : responses;
  }
  const ofBedrock = [
    'cacheReadInputTokens',
    'cacheWriteInputTokens',
    'cacheReadInputTokenCount',
    'cacheWriteInputTokenCount',
  ];
  if (has(...ofBedrock, 'cacheCreationInputTokens')) {
    return bedrock;
  }
  // With other names beside these, as GitHub Copilot has them, it is unclear what includes what.
  if (Object.keys(usage).sort().join() === ownNames) {
    return own;
  }
  if (has('inputTokensDetails', 'outputTokensDetails')) {
    return openAiAgents;
  }
  if (has('inputTokens', 'outputTokens')) {
    return isFields(usage['inputTokens']) || isFields(usage['outputTokens']) ? aiSdkModel : aiSdk;
  }
  if (has('promptTokens', 'completionTokens')) {
    return camelChat;
  }
  if (has('billed_units')) {
    return cohere;
  }
  if (has('prompt_eval_count', 'eval_count')) {
    return ollama;
  }
  // Only on its own: beside other counts, `tokens` may be a total.
  return Object.keys(usage).join() === 'tokens' ? aiSdkEmbedding : undefined;
}
