import type { Usage } from '@toolweaver/analytics-core';
import type { Counts } from './counts.ts';
import { type Fields, isFields } from './fields.ts';

/** How to read a usage object of one form. */
type Shape = (counts: Counts, usage: Fields) => Usage;

// How providers count. Input includes cached tokens, except with Anthropic and Bedrock. Output includes reasoning tokens, except
// with Gemini and some that imitate OpenAI, which the total shows.

const chat: Shape = inclusive({
  input: [['prompt_tokens']],
  output: [['completion_tokens']],
  // Embeddings have no output.
  outputMayLack: true,
  // The last three are DeepSeek's, Moonshot's and LiteLLM's names.
  cached: [
    ['prompt_tokens_details', 'cached_tokens'],
    ['prompt_cache_hit_tokens'],
    ['cached_tokens'],
    ['cache_read_input_tokens'],
  ],
  // The last three are those of LiteLLM and DashScope, some of which come together.
  written: [
    ['prompt_tokens_details', 'cache_write_tokens'],
    ['prompt_tokens_details', 'cache_creation_tokens'],
    ['prompt_tokens_details', 'cache_creation_input_tokens'],
    ['cache_creation_input_tokens'],
  ],
  reasoning: [['completion_tokens_details', 'reasoning_tokens']],
  total: ['total_tokens'],
});

/** The usage of OpenAI's responses and, under the last names, of Codex. */
const responses: Shape = inclusive({
  input: [['input_tokens']],
  output: [['output_tokens']],
  cached: [['input_tokens_details', 'cached_tokens'], ['cached_input_tokens']],
  written: [['input_tokens_details', 'cache_write_tokens'], ['cache_write_input_tokens']],
  reasoning: [['output_tokens_details', 'reasoning_tokens'], ['reasoning_output_tokens']],
  total: ['total_tokens'],
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
  // The second is that of the Live API.
  const output = countOfAny(counts, [['candidatesTokenCount'], ['responseTokenCount']]) ?? 0;
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

/** The usage of Converse, under two names each, and that of a model in the result of the Claude Agent SDK. */
const bedrock: Shape = (counts) => {
  const input = counts.required('inputTokens');
  const output = counts.required('outputTokens');
  const cached = countOfAny(counts, [['cacheReadInputTokens'], ['cacheReadInputTokenCount']]) ?? 0;
  const written =
    countOfAny(counts, [['cacheWriteInputTokens'], ['cacheWriteInputTokenCount'], ['cacheCreationInputTokens']]) ?? 0;
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
const aiSdk: Shape = inclusive({
  input: [['inputTokens']],
  output: [['outputTokens']],
  cached: [['inputTokenDetails', 'cacheReadTokens'], ['cachedInputTokens']],
  written: [['inputTokenDetails', 'cacheWriteTokens']],
  reasoning: [['outputTokenDetails', 'reasoningTokens'], ['reasoningTokens']],
  total: ['totalTokens'],
  uncached: ['inputTokenDetails', 'noCacheTokens'],
  text: ['outputTokenDetails', 'textTokens'],
});

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
    outputTokens: outputOf(counts, { input, output, reasoning }, ['outputTokens'], ['totalTokens']),
    reasoningTokens: reasoning,
  };
};

/** The usage that models return to the AI SDK. */
const aiSdkModel: Shape = inclusive({
  input: [['inputTokens', 'total']],
  output: [['outputTokens', 'total']],
  cached: [['inputTokens', 'cacheRead']],
  written: [['inputTokens', 'cacheWrite']],
  reasoning: [['outputTokens', 'reasoning']],
  uncached: ['inputTokens', 'noCache'],
  text: ['outputTokens', 'text'],
});

/** The `usage_metadata` of LangChain's messages, and the usage of OpenAI's Realtime API. */
const langChain: Shape = inclusive({
  input: [['input_tokens']],
  output: [['output_tokens']],
  cached: [
    ['input_token_details', 'cache_read'],
    ['input_token_details', 'cached_tokens'],
  ],
  written: [['input_token_details', 'cache_creation']],
  reasoning: [['output_token_details', 'reasoning']],
  total: ['total_tokens'],
});

/** The usage of the AI SDK 4, without details, and of OpenRouter's SDK. */
const camelChat: Shape = inclusive({
  input: [['promptTokens']],
  output: [['completionTokens']],
  cached: [['promptTokensDetails', 'cachedTokens']],
  written: [['promptTokensDetails', 'cacheWriteTokens']],
  reasoning: [['completionTokensDetails', 'reasoningTokens']],
  total: ['totalTokens'],
});

/** What `usageFrom` returns. */
const own: Shape = (counts) => ({
  inputTokens: counts.required('inputTokens'),
  cacheReadTokens: counts.required('cacheReadTokens'),
  cacheWriteTokens: counts.required('cacheWriteTokens'),
  outputTokens: counts.required('outputTokens'),
  reasoningTokens: counts.required('reasoningTokens'),
});
const ownNames = 'cacheReadTokens,cacheWriteTokens,inputTokens,outputTokens,reasoningTokens';

/** What Cohere bills; its other counts include texts of its own, which it does not. */
const cohere: Shape = inclusive({
  input: [['billed_units', 'input_tokens']],
  output: [['billed_units', 'output_tokens']],
  // Embeddings have no output.
  outputMayLack: true,
});

/** Ollama's own API. Some versions leave the input out where it was cached: what it took is unknown then. */
const ollama: Shape = inclusive({
  input: [['prompt_eval_count']],
  output: [['eval_count']],
  // Embeddings have no output.
  outputMayLack: true,
  cached: [['prompt_eval_cached_count']],
});

/** The usage that the AI SDK's `embed` and `embedMany` return. */
const aiSdkEmbedding: Shape = (counts) => {
  const input = counts.required('tokens');
  return { inputTokens: input, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
};

const prefix = 'gen_ai.usage.';

/** The current names, and the earlier ones. */
const openTelemetry: Shape = inclusive({
  input: [[`${prefix}input_tokens`], [`${prefix}prompt_tokens`]],
  inputMayLack: true,
  output: [[`${prefix}output_tokens`], [`${prefix}completion_tokens`]],
  outputMayLack: true,
  cached: [[`${prefix}cache_read.input_tokens`]],
  written: [[`${prefix}cache_write.input_tokens`], [`${prefix}cache_creation.input_tokens`]],
  reasoning: [[`${prefix}reasoning.output_tokens`]],
});

type Name = readonly string[];
/** All names that a count may have; the first is said where it lacks. */
type Names = readonly [Name, ...Name[]];

interface InclusiveNames {
  readonly input: Names;
  readonly inputMayLack?: boolean;
  readonly output: Names;
  readonly outputMayLack?: boolean;
  readonly cached?: Names;
  readonly written?: Names;
  readonly reasoning?: Names;
  readonly total?: Name;
  /** Input without cached and written tokens. */
  readonly uncached?: Name;
  /** Output without reasoning tokens. */
  readonly text?: Name;
}

/** Input includes cached and written tokens, and output includes reasoning tokens, unless the total says otherwise. */
function inclusive({
  inputMayLack = false,
  outputMayLack = false,
  total,
  uncached,
  text,
  ...names
}: InclusiveNames): Shape {
  return (counts) => {
    const input = countOfAny(counts, names.input) ?? (inputMayLack ? 0 : counts.required(...names.input[0]));
    const output = countOfAny(counts, names.output) ?? (outputMayLack ? 0 : counts.required(...names.output[0]));
    const cached = countOfAny(counts, names.cached ?? []) ?? 0;
    const written = countOfAny(counts, names.written ?? []) ?? 0;
    const reasoning = countOfAny(counts, names.reasoning ?? []) ?? 0;
    const usage = {
      inputTokens: counts.rest(input, [cached, written], ...names.input[0]),
      cacheReadTokens: cached,
      cacheWriteTokens: written,
      outputTokens: outputOf(counts, { input, output, reasoning }, names.output[0], total),
      reasoningTokens: reasoning,
    };
    for (const [name, count] of [
      [uncached, usage.inputTokens],
      [text, usage.outputTokens],
    ] as const) {
      if (name !== undefined) {
        counts.sum(counts.given(...name), [count], ...name);
      }
    }
    return usage;
  };
}

/** Returns the count, which has to be the same under each name that it has; undefined if it has none. */
function countOfAny(counts: Counts, names: readonly Name[]): number | undefined {
  const said = names.map((name) => counts.given(...name));
  const count = said.find((one) => one !== undefined);
  for (const [at, name] of names.entries()) {
    counts.sum(said[at], [count ?? 0], ...name);
  }
  return count;
}

interface Sums {
  readonly input: number;
  readonly output: number;
  readonly reasoning: number;
}

/** Returns the output without reasoning tokens. Where the total says that these are counted separately, subtracts nothing. */
function outputOf(counts: Counts, { input, output, reasoning }: Sums, name: Name, totalName: Name = []): number {
  const total = totalName.length === 0 ? undefined : counts.given(...totalName);
  if (reasoning > 0 && total === input + output + reasoning) {
    return output;
  }
  counts.sum(total, [input + output], ...totalName);
  return counts.rest(output, [reasoning], ...name);
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
    meta,
  } = response;
  for (const usage of [attributes, response]) {
    if (isFields(usage) && Object.keys(usage).some((name) => name.startsWith(prefix))) {
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
