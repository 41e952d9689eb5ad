import { isFields } from './fields.ts';
import { countOfAny, inclusive, outputOf, type Shape } from './usage-shape.ts';

// How providers count. Input includes cached tokens, except with Anthropic and Bedrock. Output includes reasoning tokens, except
// with Gemini and some that imitate OpenAI, which the total shows.

export const chat: Shape = inclusive({
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
export const responses: Shape = inclusive({
  input: [['input_tokens']],
  output: [['output_tokens']],
  cached: [['input_tokens_details', 'cached_tokens'], ['cached_input_tokens']],
  written: [['input_tokens_details', 'cache_write_tokens'], ['cache_write_input_tokens']],
  reasoning: [['output_tokens_details', 'reasoning_tokens'], ['reasoning_output_tokens']],
  total: ['total_tokens'],
});

export const anthropic: Shape = (counts, { iterations }) => {
  const passes: readonly unknown[] = Array.isArray(iterations) ? iterations : [];
  /** Adds the tokens that compactions took, which the counts of the message leave out. */
  const withCompactions = (ofMessage: number, name: string): number =>
    passes.reduce<number>(
      (sum, pass, at) =>
        isFields(pass) && pass['type'] === 'compaction' ? sum + counts.count('iterations', String(at), name) : sum,
      ofMessage,
    );
  const output = counts.required('output_tokens');
  const short = counts.count('cache_creation', 'ephemeral_5m_input_tokens');
  const long = counts.count('cache_creation', 'ephemeral_1h_input_tokens');
  const written = counts.given('cache_creation_input_tokens') ?? short + long;
  // A stream tells the parts at its beginning only, and the sum again at its end.
  counts.rest(written, [short, long], 'cache_creation_input_tokens');
  const thinking = counts.count('output_tokens_details', 'thinking_tokens');
  return {
    inputTokens: withCompactions(counts.required('input_tokens'), 'input_tokens'),
    cacheReadTokens: withCompactions(counts.count('cache_read_input_tokens'), 'cache_read_input_tokens'),
    cacheWriteTokens: withCompactions(written, 'cache_creation_input_tokens'),
    outputTokens: withCompactions(counts.rest(output, [thinking], 'output_tokens'), 'output_tokens'),
    reasoningTokens: thinking,
  };
};

export const gemini: Shape = (counts) => {
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
export const bedrock: Shape = (counts) => {
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
export const aiSdk: Shape = inclusive({
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
export const openAiAgents: Shape = (counts, usage) => {
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
export const aiSdkModel: Shape = inclusive({
  input: [['inputTokens', 'total']],
  output: [['outputTokens', 'total']],
  cached: [['inputTokens', 'cacheRead']],
  written: [['inputTokens', 'cacheWrite']],
  reasoning: [['outputTokens', 'reasoning']],
  uncached: ['inputTokens', 'noCache'],
  text: ['outputTokens', 'text'],
});

/** The `usage_metadata` of LangChain's messages, and the usage of OpenAI's Realtime API. */
export const langChain: Shape = inclusive({
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
export const camelChat: Shape = inclusive({
  input: [['promptTokens']],
  output: [['completionTokens']],
  cached: [['promptTokensDetails', 'cachedTokens']],
  written: [['promptTokensDetails', 'cacheWriteTokens']],
  reasoning: [['completionTokensDetails', 'reasoningTokens']],
  total: ['totalTokens'],
});

/** What `usageFrom` returns. */
export const own: Shape = (counts) => ({
  inputTokens: counts.required('inputTokens'),
  cacheReadTokens: counts.required('cacheReadTokens'),
  cacheWriteTokens: counts.required('cacheWriteTokens'),
  outputTokens: counts.required('outputTokens'),
  reasoningTokens: counts.required('reasoningTokens'),
});

/** What Cohere bills; its other counts include texts of its own, which it does not. */
export const cohere: Shape = inclusive({
  input: [['billed_units', 'input_tokens']],
  output: [['billed_units', 'output_tokens']],
  // Embeddings have no output.
  outputMayLack: true,
});

/** Ollama's own API. Some versions leave the input out where it was cached: what it took is unknown then. */
export const ollama: Shape = inclusive({
  input: [['prompt_eval_count']],
  output: [['eval_count']],
  // Embeddings have no output.
  outputMayLack: true,
  cached: [['prompt_eval_cached_count']],
});

/** The usage that the AI SDK's `embed` and `embedMany` return. */
export const aiSdkEmbedding: Shape = (counts) => {
  const input = counts.required('tokens');
  return { inputTokens: input, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
};

/** How the names of OpenTelemetry's attributes begin. */
export const openTelemetryPrefix = 'gen_ai.usage.';

/** The current names, and the earlier ones. */
export const openTelemetry: Shape = inclusive({
  input: [[`${openTelemetryPrefix}input_tokens`], [`${openTelemetryPrefix}prompt_tokens`]],
  inputMayLack: true,
  output: [[`${openTelemetryPrefix}output_tokens`], [`${openTelemetryPrefix}completion_tokens`]],
  outputMayLack: true,
  cached: [[`${openTelemetryPrefix}cache_read.input_tokens`]],
  written: [[`${openTelemetryPrefix}cache_write.input_tokens`], [`${openTelemetryPrefix}cache_creation.input_tokens`]],
  reasoning: [[`${openTelemetryPrefix}reasoning.output_tokens`]],
});
