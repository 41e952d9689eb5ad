import type { Usage } from '@toolweaver/analytics-core';
import type { Counts } from './counts.ts';
import { type Fields, isFields } from './fields.ts';

/** How to read a usage object of one form. */
type Shape = (counts: Counts, usage: Fields) => Usage;

// How providers count. Input includes cached tokens, except with Anthropic and Bedrock. Output includes reasoning tokens, except
// with Gemini and some that imitate OpenAI, which the total shows.

const chat: Shape = inclusive({
  input: 'prompt_tokens',
  output: 'completion_tokens',
  // Embeddings have no output.
  outputMayLack: true,
  // The last two are DeepSeek's and Moonshot's names.
  cached: [['prompt_tokens_details', 'cached_tokens'], ['prompt_cache_hit_tokens'], ['cached_tokens']],
  // The last three are those of LiteLLM and DashScope, some of which come together.
  written: [
    ['prompt_tokens_details', 'cache_write_tokens'],
    ['prompt_tokens_details', 'cache_creation_tokens'],
    ['prompt_tokens_details', 'cache_creation_input_tokens'],
    ['cache_creation_input_tokens'],
  ],
  reasoning: ['completion_tokens_details', 'reasoning_tokens'],
});

const responses: Shape = inclusive({
  input: 'input_tokens',
  output: 'output_tokens',
  cached: [['input_tokens_details', 'cached_tokens']],
  written: [['input_tokens_details', 'cache_write_tokens']],
  reasoning: ['output_tokens_details', 'reasoning_tokens'],
});

const anthropic: Shape = (counts, { iterations }) => {
  const passes: readonly unknown[] = Array.isArray(iterations) ? iterations : [];
  /** Adds the tokens that compactions took, which the counts of the message leave out. */
  const withCompactions = (ofMessage: number, name: string): number =>
    passes.reduce<number>(
      (sum, pass, at) =>
        isFields(pass) && pass['type'] === 'compaction' ? sum + counts.count('iterations', String(at), name) : sum,
      ofMessage,
    );
  const output = counts.required('output_tokens');
  const written = counts.given('cache_creation_input_tokens');
  const short = counts.given('cache_creation', 'ephemeral_5m_input_tokens');
  const long = counts.given('cache_creation', 'ephemeral_1h_input_tokens');
  const parts = short === undefined && long === undefined ? undefined : (short ?? 0) + (long ?? 0);
  if (parts !== undefined) {
    counts.sum(written, [parts], 'cache_creation_input_tokens');
  }
  const thinking = counts.count('output_tokens_details', 'thinking_tokens');
  return {
    inputTokens: withCompactions(counts.required('input_tokens'), 'input_tokens'),
    cacheReadTokens: withCompactions(counts.count('cache_read_input_tokens'), 'cache_read_input_tokens'),
    cacheWriteTokens: withCompactions(written ?? parts ?? 0, 'cache_creation_input_tokens'),
    outputTokens: withCompactions(counts.rest(output, [thinking], 'output_tokens'), 'output_tokens'),
    reasoningTokens: thinking,
  };
};

const gemini: Shape = (counts) => {
  const prompt = counts.required('promptTokenCount');
  const ofTools = counts.count('toolUsePromptTokenCount');
  const cached = counts.count('cachedContentTokenCount');
  const output = counts.count('candidatesTokenCount');
  const thoughts = counts.count('thoughtsTokenCount');
  counts.sum(counts.given('totalTokenCount'), [prompt + ofTools + output + thoughts], 'totalTokenCount');
  return {
    inputTokens: counts.rest(prompt, [cached], 'promptTokenCount') + ofTools,
    cacheReadTokens: cached,
    cacheWriteTokens: 0,
    outputTokens: output,
    reasoningTokens: thoughts,
  };
};

const bedrock: Shape = (counts) => {
  const input = counts.required('inputTokens');
  const output = counts.required('outputTokens');
  const cached = counts.count('cacheReadInputTokens');
  const written = counts.count('cacheWriteInputTokens');
  const uncached = input + output;
  counts.sum(counts.given('totalTokens'), [uncached + cached + written, uncached], 'totalTokens');
  return {
    inputTokens: input,
    cacheReadTokens: cached,
    cacheWriteTokens: written,
    outputTokens: output,
    reasoningTokens: 0,
  };
};

/** The usage that `generateText` and `streamText` return. */
const aiSdk: Shape = (counts) => {
  const input = counts.required('inputTokens');
  const output = counts.required('outputTokens');
  const cached = counts.given('inputTokenDetails', 'cacheReadTokens') ?? counts.count('cachedInputTokens');
  const written = counts.count('inputTokenDetails', 'cacheWriteTokens');
  const reasoning = counts.given('outputTokenDetails', 'reasoningTokens') ?? counts.count('reasoningTokens');
  const uncached = counts.rest(input, [cached, written], 'inputTokens');
  counts.sum(counts.given('inputTokenDetails', 'noCacheTokens'), [uncached], 'inputTokenDetails', 'noCacheTokens');
  const text = outputOf(counts, { input, output, reasoning }, 'outputTokens', 'totalTokens');
  counts.sum(counts.given('outputTokenDetails', 'textTokens'), [text], 'outputTokenDetails', 'textTokens');
  return {
    inputTokens: uncached,
    cacheReadTokens: cached,
    cacheWriteTokens: written,
    outputTokens: text,
    reasoningTokens: reasoning,
  };
};

/** The usage of the OpenAI Agents SDK, whose details are an object for each request, or a single one. */
const openAiAgents: Shape = (counts, usage) => {
  const sumOf = (details: string, name: string): number => {
    const given = usage[details];
    return Array.isArray(given)
      ? given.reduce<number>((sum, _, at) => sum + counts.count(details, String(at), name), 0)
      : counts.count(details, name);
  };
  const input = counts.required('inputTokens');
  const output = counts.required('outputTokens');
  const cached = sumOf('inputTokensDetails', 'cached_tokens');
  const written = sumOf('inputTokensDetails', 'cache_write_tokens');
  const reasoning = sumOf('outputTokensDetails', 'reasoning_tokens');
  return {
    inputTokens: counts.rest(input, [cached, written], 'inputTokens'),
    cacheReadTokens: cached,
    cacheWriteTokens: written,
    outputTokens: outputOf(counts, { input, output, reasoning }, 'outputTokens', 'totalTokens'),
    reasoningTokens: reasoning,
  };
};

/** The usage that models return to the AI SDK. */
const aiSdkModel: Shape = (counts) => {
  const input = counts.required('inputTokens', 'total');
  const output = counts.required('outputTokens', 'total');
  const cached = counts.count('inputTokens', 'cacheRead');
  const written = counts.count('inputTokens', 'cacheWrite');
  const reasoning = counts.count('outputTokens', 'reasoning');
  const uncached = counts.rest(input, [cached, written], 'inputTokens', 'total');
  const text = counts.rest(output, [reasoning], 'outputTokens', 'total');
  counts.sum(counts.given('inputTokens', 'noCache'), [uncached], 'inputTokens', 'noCache');
  counts.sum(counts.given('outputTokens', 'text'), [text], 'outputTokens', 'text');
  return {
    inputTokens: uncached,
    cacheReadTokens: cached,
    cacheWriteTokens: written,
    outputTokens: text,
    reasoningTokens: reasoning,
  };
};

/** The `usage_metadata` of LangChain's messages, and the usage of OpenAI's Realtime API. */
const langChain: Shape = inclusive({
  input: 'input_tokens',
  output: 'output_tokens',
  cached: [
    ['input_token_details', 'cache_read'],
    ['input_token_details', 'cached_tokens'],
  ],
  written: [['input_token_details', 'cache_creation']],
  reasoning: ['output_token_details', 'reasoning'],
});

const aiSdk4: Shape = (counts) => {
  const input = counts.required('promptTokens');
  const output = counts.required('completionTokens');
  counts.sum(counts.given('totalTokens'), [input + output], 'totalTokens');
  return { inputTokens: input, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: output, reasoningTokens: 0 };
};

/** The usage that the AI SDK's `embed` and `embedMany` return. */
const aiSdkEmbedding: Shape = (counts) => {
  const input = counts.required('tokens');
  return { inputTokens: input, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
};

const prefix = 'gen_ai.usage.';

const openTelemetry: Shape = (counts) => {
  // The current names, and the earlier ones.
  const either = (name: string, older: string): number => {
    const [now, before] = [counts.given(prefix + name), counts.given(prefix + older)];
    if (now !== undefined) {
      counts.sum(before, [now], prefix + older);
    }
    return now ?? before ?? 0;
  };
  const input = either('input_tokens', 'prompt_tokens');
  const output = either('output_tokens', 'completion_tokens');
  const cached = counts.count(`${prefix}cache_read.input_tokens`);
  const written = either('cache_write.input_tokens', 'cache_creation.input_tokens');
  const reasoning = counts.count(`${prefix}reasoning.output_tokens`);
  return {
    inputTokens: counts.rest(input, [cached, written], `${prefix}input_tokens`),
    cacheReadTokens: cached,
    cacheWriteTokens: written,
    outputTokens: counts.rest(output, [reasoning], `${prefix}output_tokens`),
    reasoningTokens: reasoning,
  };
};

interface InclusiveNames {
  readonly input: string;
  readonly output: string;
  readonly outputMayLack?: boolean;
  /** All names that the count may have. */
  readonly cached: readonly (readonly string[])[];
  readonly written: readonly (readonly string[])[];
  readonly reasoning: readonly string[];
}

/** Input includes cached and written tokens, and output includes reasoning tokens, unless `total_tokens` says otherwise. */
function inclusive({ input: inputName, output: outputName, outputMayLack = false, ...names }: InclusiveNames): Shape {
  return (counts) => {
    const input = counts.required(inputName);
    const output = outputMayLack ? counts.count(outputName) : counts.required(outputName);
    const cached = countOfAny(counts, names.cached);
    const written = countOfAny(counts, names.written);
    const reasoning = counts.count(...names.reasoning);
    return {
      inputTokens: counts.rest(input, [cached, written], inputName),
      cacheReadTokens: cached,
      cacheWriteTokens: written,
      outputTokens: outputOf(counts, { input, output, reasoning }, outputName, 'total_tokens'),
      reasoningTokens: reasoning,
    };
  };
}

/** Returns the count, which has to be the same under each name that it has. */
function countOfAny(counts: Counts, names: readonly (readonly string[])[]): number {
  const said = names.map((name) => counts.given(...name));
  const count = said.find((one) => one !== undefined) ?? 0;
  for (const [at, name] of names.entries()) {
    counts.sum(said[at], [count], ...name);
  }
  return count;
}

interface Sums {
  readonly input: number;
  readonly output: number;
  readonly reasoning: number;
}

/** Returns the output without reasoning tokens. Where the total says that these are counted separately, subtracts nothing. */
function outputOf(counts: Counts, { input, output, reasoning }: Sums, name: string, totalName: string): number {
  const total = counts.given(totalName);
  if (reasoning > 0 && total === input + output + reasoning) {
    return output;
  }
  counts.sum(total, [input + output], totalName);
  return counts.rest(output, [reasoning], name);
}

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
  } = response;
  for (const usage of [attributes, response]) {
    if (isFields(usage) && Object.keys(usage).some((name) => name.startsWith(prefix))) {
      return { usage, shape: openTelemetry };
    }
  }
  // Where the AI SDK has a `totalUsage`, its `usage` may be that of the last step only.
  const inside = [usageMetadata, ofLangChain, totalUsage, usage].find(isFields);
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
  if (has('cacheReadInputTokens', 'cacheWriteInputTokens')) {
    return bedrock;
  }
  if (has('inputTokensDetails', 'outputTokensDetails')) {
    return openAiAgents;
  }
  if (has('inputTokens', 'outputTokens')) {
    return isFields(usage['inputTokens']) || isFields(usage['outputTokens']) ? aiSdkModel : aiSdk;
  }
  if (has('promptTokens', 'completionTokens')) {
    return aiSdk4;
  }
  // Only on its own: beside other counts, `tokens` may be a total.
  return Object.keys(usage).join() === 'tokens' ? aiSdkEmbedding : undefined;
}
