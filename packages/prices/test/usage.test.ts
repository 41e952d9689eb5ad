import { extractUsage, findProvider } from '@pydantic/genai-prices';
import type { Usage } from '@toolweaver/analytics-core';
import { usageFrom } from '@toolweaver/analytics-prices';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toTableUsage } from '../src/table.ts';

const usage = (inputTokens: number, outputTokens: number, { read = 0, written = 0, reasoning = 0 } = {}): Usage => ({
  inputTokens,
  cacheReadTokens: read,
  cacheWriteTokens: written,
  outputTokens,
  reasoningTokens: reasoning,
});

/** As providers answer, but for what they say beside it. `flavor`: how the price package calls the form. */
const responses: [what: string, response: object, expected: Usage, provider?: string, flavor?: string][] = [
  [
    'an OpenAI chat completion',
    {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      model: 'gpt-4.1-mini',
      usage: { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 },
    },
    usage(19, 10),
    'openai',
    'chat',
  ],
  [
    'an OpenAI chat completion that reasoned and read from a cache',
    {
      object: 'chat.completion',
      model: 'gpt-5',
      usage: {
        prompt_tokens: 1486,
        completion_tokens: 651,
        total_tokens: 2137,
        prompt_tokens_details: { cached_tokens: 1408, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 512, audio_tokens: 0, accepted_prediction_tokens: 0 },
      },
    },
    usage(78, 139, { read: 1408, reasoning: 512 }),
    'openai',
    'chat',
  ],
  [
    'an OpenAI chat completion that wrote to a cache',
    {
      object: 'chat.completion',
      model: 'gpt-5',
      usage: {
        prompt_tokens: 2006,
        completion_tokens: 300,
        total_tokens: 2306,
        prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 1920 },
      },
    },
    usage(86, 300, { written: 1920 }),
    'openai',
    'chat',
  ],
  [
    'a chat completion of DeepSeek that read from a cache',
    {
      object: 'chat.completion',
      model: 'deepseek-chat',
      usage: {
        prompt_tokens: 1100,
        completion_tokens: 9,
        total_tokens: 1109,
        prompt_cache_hit_tokens: 1024,
        prompt_cache_miss_tokens: 76,
      },
    },
    usage(76, 9, { read: 1024 }),
  ],
  [
    'a chat completion of Moonshot that read from a cache',
    { model: 'kimi-k2', usage: { prompt_tokens: 1100, completion_tokens: 9, total_tokens: 1109, cached_tokens: 1024 } },
    usage(76, 9, { read: 1024 }),
  ],
  [
    'OpenAI embeddings',
    { object: 'list', model: 'text-embedding-3-small', usage: { prompt_tokens: 8, total_tokens: 8 } },
    usage(8, 0),
    'openai',
    'embeddings',
  ],
  [
    'an OpenAI response',
    {
      id: 'resp_1',
      object: 'response',
      model: 'gpt-5',
      usage: {
        input_tokens: 5000,
        input_tokens_details: { cached_tokens: 4096 },
        output_tokens: 900,
        output_tokens_details: { reasoning_tokens: 768 },
        total_tokens: 5900,
      },
    },
    usage(904, 132, { read: 4096, reasoning: 768 }),
    'openai',
    'responses',
  ],
  [
    'an answer in the form of OpenAI that counts reasoning apart',
    {
      model: 'grok-4-fast-reasoning',
      usage: {
        prompt_tokens: 10,
        completion_tokens: 8,
        total_tokens: 24,
        completion_tokens_details: { reasoning_tokens: 6 },
      },
    },
    usage(10, 8, { reasoning: 6 }),
    'x-ai',
    'chat',
  ],
  [
    'an Anthropic message',
    { type: 'message', model: 'claude-sonnet-4-5', usage: { input_tokens: 504, output_tokens: 97 } },
    usage(504, 97),
    'anthropic',
  ],
  [
    'an Anthropic message with caches',
    {
      type: 'message',
      model: 'claude-sonnet-4-5',
      usage: {
        input_tokens: 100,
        cache_read_input_tokens: 900,
        cache_creation_input_tokens: 50,
        cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 20 },
        output_tokens: 7,
        service_tier: 'standard',
      },
    },
    usage(100, 7, { read: 900, written: 50 }),
    'anthropic',
  ],
  [
    'a chat completion of LiteLLM that wrote to a cache of Anthropic',
    {
      usage: {
        prompt_tokens: 10_000,
        completion_tokens: 5,
        total_tokens: 10_005,
        prompt_tokens_details: { cached_tokens: 0, cache_creation_tokens: 9000 },
        cache_creation_input_tokens: 9000,
      },
    },
    usage(1000, 5, { written: 9000 }),
  ],
  [
    'a chat completion of DashScope that wrote to a cache',
    {
      usage: {
        prompt_tokens: 900,
        completion_tokens: 5,
        total_tokens: 905,
        prompt_tokens_details: { cached_tokens: 0, cache_creation_input_tokens: 800 },
      },
    },
    usage(100, 5, { written: 800 }),
  ],
  [
    'a run of the OpenAI Agents SDK, with two requests',
    {
      requests: 2,
      inputTokens: 1500,
      outputTokens: 80,
      totalTokens: 1580,
      inputTokensDetails: [{ cached_tokens: 400 }, { cached_tokens: 100 }],
      outputTokensDetails: [{ reasoning_tokens: 20 }, { reasoning_tokens: 5 }],
    },
    usage(1000, 55, { read: 500, reasoning: 25 }),
  ],
  [
    'a request of the OpenAI Agents SDK',
    { inputTokens: 10, outputTokens: 2, totalTokens: 12, inputTokensDetails: { cached_tokens: 4 } },
    usage(6, 2, { read: 4 }),
  ],
  [
    'the last event of a stream of OpenAI responses',
    {
      type: 'response.completed',
      response: { object: 'response', usage: { input_tokens: 9, output_tokens: 4, total_tokens: 13 } },
    },
    usage(9, 4),
  ],
  [
    'the last chunk of a stream of Groq',
    {
      object: 'chat.completion.chunk',
      x_groq: { usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 } },
    },
    usage(9, 4),
  ],
  [
    'an Anthropic message before which the conversation was made shorter, and for which another model was asked',
    {
      type: 'message',
      model: 'claude-opus-4-6',
      usage: {
        input_tokens: 23_000,
        output_tokens: 1000,
        iterations: [
          {
            type: 'compaction',
            input_tokens: 180_000,
            cache_read_input_tokens: 400,
            cache_creation_input_tokens: 30,
            output_tokens: 3500,
          },
          { type: 'advisor_message', model: 'claude-opus-5', input_tokens: 700, output_tokens: 80 },
          { type: 'message', input_tokens: 23_000, output_tokens: 1000 },
        ],
      },
    },
    usage(203_000, 4500, { read: 400, written: 30 }),
  ],
  [
    'an Anthropic stream whose writes grew after its beginning, which told the parts',
    {
      type: 'message',
      usage: {
        input_tokens: 9,
        output_tokens: 50,
        cache_creation_input_tokens: 300,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      },
    },
    usage(9, 50, { written: 300 }),
  ],
  [
    'an Anthropic message that says what was written to a cache by how long it stays',
    {
      type: 'message',
      usage: {
        input_tokens: 5,
        output_tokens: 7,
        cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 3 },
      },
    },
    usage(5, 7, { written: 13 }),
  ],
  [
    'a response of the OpenAI Realtime API',
    {
      object: 'realtime.response',
      usage: {
        total_tokens: 253,
        input_tokens: 132,
        output_tokens: 121,
        input_token_details: {
          text_tokens: 119,
          audio_tokens: 13,
          cached_tokens: 64,
          cached_tokens_details: { text_tokens: 64, audio_tokens: 0 },
        },
        output_token_details: { text_tokens: 30, audio_tokens: 91 },
      },
    },
    usage(68, 121, { read: 64 }),
  ],
  [
    'a message of LangChain',
    {
      content: 'hello',
      usage_metadata: {
        input_tokens: 1050,
        output_tokens: 70,
        total_tokens: 1120,
        input_token_details: { cache_read: 900, cache_creation: 50 },
        output_token_details: { reasoning: 40 },
      },
      response_metadata: { model_name: 'gpt-5' },
    },
    usage(100, 30, { read: 900, written: 50, reasoning: 40 }),
  ],
  [
    'an answer of the Gemini Live API',
    { usageMetadata: { promptTokenCount: 100, responseTokenCount: 50, thoughtsTokenCount: 7, totalTokenCount: 157 } },
    usage(100, 50, { reasoning: 7 }),
  ],
  [
    'an answer of Cohere, which says more than it bills',
    {
      finish_reason: 'COMPLETE',
      usage: {
        billed_units: { input_tokens: 9, output_tokens: 57 },
        tokens: { input_tokens: 504, output_tokens: 59 },
        cached_tokens: 0,
      },
    },
    usage(9, 57),
  ],
  [
    'an embedding by Cohere',
    { response_type: 'embeddings_by_type', meta: { api_version: {}, billed_units: { input_tokens: 12 } } },
    usage(12, 0),
  ],
  [
    'an answer of Ollama',
    { model: 'qwen3', done: true, prompt_eval_count: 26, prompt_eval_cached_count: 20, eval_count: 290 },
    usage(6, 290, { read: 20 }),
  ],
  ['an embedding by Ollama', { model: 'embeddinggemma', embeddings: [[0.1]], prompt_eval_count: 8 }, usage(8, 0)],
  [
    'a Gemini response',
    {
      modelVersion: 'gemini-2.5-flash',
      candidates: [],
      usageMetadata: {
        promptTokenCount: 4152,
        cachedContentTokenCount: 3048,
        candidatesTokenCount: 121,
        thoughtsTokenCount: 880,
        totalTokenCount: 5153,
      },
    },
    usage(1104, 121, { read: 3048, reasoning: 880 }),
    'google',
  ],
  [
    'a Gemini response that used tools',
    {
      modelVersion: 'gemini-2.5-flash',
      usageMetadata: {
        promptTokenCount: 40,
        toolUsePromptTokenCount: 60,
        candidatesTokenCount: 5,
        totalTokenCount: 105,
      },
    },
    usage(100, 5),
    'google',
  ],
  [
    "Bedrock's Converse",
    {
      stopReason: 'end_turn',
      usage: {
        inputTokens: 30,
        outputTokens: 20,
        totalTokens: 1050,
        cacheReadInputTokens: 900,
        cacheWriteInputTokens: 100,
      },
    },
    usage(30, 20, { read: 900, written: 100 }),
  ],
  [
    'the usage_metadata of LangChain',
    {
      input_tokens: 1000,
      output_tokens: 100,
      total_tokens: 1100,
      input_token_details: { cache_read: 600, cache_creation: 100 },
      output_token_details: { reasoning: 40 },
    },
    usage(300, 60, { read: 600, written: 100, reasoning: 40 }),
  ],
  [
    'a turn of the Codex SDK',
    {
      type: 'turn.completed',
      usage: {
        input_tokens: 24_763,
        cached_input_tokens: 24_448,
        cache_write_input_tokens: 300,
        output_tokens: 122,
        reasoning_output_tokens: 64,
      },
    },
    usage(15, 58, { read: 24_448, written: 300, reasoning: 64 }),
  ],
  [
    'a model in the result of the Claude Agent SDK',
    {
      inputTokens: 12,
      outputTokens: 850,
      cacheReadInputTokens: 12_826,
      cacheCreationInputTokens: 10_178,
      webSearchRequests: 0,
      costUSD: 0.0801,
      contextWindow: 200_000,
    },
    usage(12, 850, { read: 12_826, written: 10_178 }),
  ],
  [
    "an answer of OpenRouter's SDK",
    {
      usage: {
        promptTokens: 1486,
        completionTokens: 651,
        totalTokens: 2137,
        promptTokensDetails: { cachedTokens: 1408, cacheWriteTokens: 20, audioTokens: null },
        completionTokensDetails: { reasoningTokens: 512 },
      },
    },
    usage(58, 139, { read: 1408, written: 20, reasoning: 512 }),
  ],
  [
    'what was read before',
    { usage: usage(1, 2, { read: 30, written: 4, reasoning: 5 }) },
    usage(1, 2, { read: 30, written: 4, reasoning: 5 }),
  ],
  [
    "Bedrock's Converse that says each count twice",
    {
      usage: {
        inputTokens: 3,
        outputTokens: 2,
        totalTokens: 105,
        cacheReadInputTokens: 60,
        cacheReadInputTokenCount: 60,
        cacheWriteInputTokens: 40,
        cacheWriteInputTokenCount: 40,
      },
    },
    usage(3, 2, { read: 60, written: 40 }),
  ],
  [
    'a chat completion of LiteLLM that says twice what it read from a cache, and how long the rest stays there',
    {
      usage: {
        prompt_tokens: 1000,
        completion_tokens: 5,
        total_tokens: 1005,
        prompt_tokens_details: { cached_tokens: 900, cache_creation_token_details: { ephemeral_5m_input_tokens: 0 } },
        cache_read_input_tokens: 900,
      },
    },
    usage(100, 5, { read: 900 }),
  ],
  [
    "the AI SDK with the provider's own words, and requests one by one",
    {
      usage: {
        inputTokens: 5,
        outputTokens: 1,
        cachedInputTokens: 2,
        raw: { cache_read: 2 },
        requests: [{ cachedTokens: 2 }],
      },
    },
    usage(3, 1, { read: 2 }),
  ],
  [
    'OpenTelemetry beside what was asked for',
    { 'gen_ai.usage.input_tokens': 5, 'gen_ai.usage.output_tokens': 1, 'gen_ai.request.thinking_budget': 1024 },
    usage(5, 1),
  ],
  ['an embedding of the AI SDK', { value: 'sunny', embedding: [1], usage: { tokens: 8 } }, usage(8, 0)],
  ['the AI SDK 4', { text: '', usage: { promptTokens: 12, completionTokens: 5, totalTokens: 17 } }, usage(12, 5)],
  [
    'the AI SDK 5',
    {
      text: '',
      usage: { inputTokens: 1486, outputTokens: 651, totalTokens: 2137, reasoningTokens: 512, cachedInputTokens: 1408 },
    },
    usage(78, 139, { read: 1408, reasoning: 512 }),
  ],
  [
    'the AI SDK 5 with a provider that counts reasoning apart',
    { usage: { inputTokens: 40, outputTokens: 10, totalTokens: 350, reasoningTokens: 300 } },
    usage(40, 10, { reasoning: 300 }),
  ],
  [
    'all steps of an agent loop of the AI SDK 5',
    {
      text: '',
      usage: { inputTokens: 5, outputTokens: 1, totalTokens: 6 },
      totalUsage: { inputTokens: 50, outputTokens: 10, totalTokens: 60 },
    },
    usage(50, 10),
  ],
  [
    'the AI SDK 6',
    {
      text: '',
      usage: {
        inputTokens: 1050,
        inputTokenDetails: { noCacheTokens: 100, cacheReadTokens: 900, cacheWriteTokens: 50 },
        outputTokens: 70,
        outputTokenDetails: { textTokens: 30, reasoningTokens: 40 },
        totalTokens: 1120,
        reasoningTokens: 40,
        cachedInputTokens: 900,
      },
    },
    usage(100, 30, { read: 900, written: 50, reasoning: 40 }),
  ],
  [
    'a model of the AI SDK 6',
    {
      usage: {
        inputTokens: { total: 1050, noCache: 100, cacheRead: 900, cacheWrite: 50 },
        outputTokens: { total: 70, text: undefined, reasoning: undefined },
      },
    },
    usage(100, 70, { read: 900, written: 50 }),
  ],
  [
    'OpenTelemetry',
    {
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.usage.input_tokens': 1050,
      'gen_ai.usage.cache_read.input_tokens': 900,
      'gen_ai.usage.cache_write.input_tokens': 50,
      'gen_ai.usage.output_tokens': 70,
      'gen_ai.usage.reasoning.output_tokens': 40,
    },
    usage(100, 30, { read: 900, written: 50, reasoning: 40 }),
  ],
  [
    'a span of OpenTelemetry under the names of before',
    {
      attributes: {
        'gen_ai.usage.prompt_tokens': 1050,
        'gen_ai.usage.cache_creation.input_tokens': 50,
        'gen_ai.usage.completion_tokens': 70,
      },
    },
    usage(1000, 70, { written: 50 }),
  ],
];

describe('what providers say becomes disjoint', () => {
  test.each(responses)('%s', (_what, response, expected) => {
    expect(usageFrom(response)).toEqual({ usage: expected, problems: [] });
    // The usage object alone says the same.
    const { totalUsage, usage: own, usageMetadata, usage_metadata } = response as Partial<Record<string, object>>;
    const inside = totalUsage ?? own ?? usageMetadata ?? usage_metadata;
    if (inside !== undefined) {
      expect(usageFrom(inside)).toEqual({ usage: expected, problems: [] });
    }
  });
});

describe('the price package reads the same', () => {
  const readByBoth = responses.filter(([, , , provider]) => provider !== undefined);
  test('of most forms', () => expect(readByBoth.length).toBeGreaterThanOrEqual(10));

  test.each(readByBoth)('%s', (_what, response, _expected, providerId, flavor) => {
    const provider = findProvider({ providerId: providerId as string });
    const { usage: theirs } = extractUsage(provider as NonNullable<typeof provider>, response, flavor);
    const ours = toTableUsage(usageFrom(response).usage as Usage);
    const counts = Object.entries(theirs).filter(([name]) => name in ours && name !== 'output_reasoning_tokens');
    expect(counts.length).toBeGreaterThanOrEqual(1);
    expect(ours).toMatchObject(Object.fromEntries(counts));
  });
});

const wrong: [what: string, response: unknown, field: string, message: string][] = [
  ['no object', 'gpt', 'response', 'must be an object'],
  ['nothing', undefined, 'response', 'must be an object'],
  ['a response without usage', { object: 'chat.completion', usage: null }, 'usage', 'is not there'],
  ['an unknown form', { usage: { tokens: 5, total: 9 } }, 'usage', 'of no known form'],
  ['a promise', { usage: Promise.resolve({}) }, 'usage', 'await it first'],
  ['a negative count', { usage: { prompt_tokens: -1 } }, 'prompt_tokens', 'got -1'],
  [
    'a negative count that no other one holds',
    { usage: { input_tokens: 5, output_tokens: 5, cache_read_input_tokens: -1 } },
    'cache_read_input_tokens',
    'must be a whole number >= 0, got -1',
  ],
  ['a fractional count', { usage: { input_tokens: 1.5, output_tokens: 1 } }, 'input_tokens', 'got 1.5'],
  ['a count that is text', { usage: { input_tokens: '5', output_tokens: 1 } }, 'input_tokens', 'got "5"'],
  [
    'a count that is no number',
    { usage: { promptTokens: Number.NaN, completionTokens: 1 } },
    'promptTokens',
    'got NaN',
  ],
  ['a missing count', { usage: { input_tokens: 5 } }, 'output_tokens', 'must be given'],
  [
    'more cached than read',
    { usage: { prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 9 } } },
    'prompt_tokens',
    'must hold the 9 tokens',
  ],
  [
    'cached tokens under two names that differ',
    {
      usage: {
        prompt_tokens: 9,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 0 },
        prompt_cache_hit_tokens: 5,
      },
    },
    'prompt_cache_hit_tokens',
    'got 5',
  ],
  [
    'more reasoning than output',
    { usage: { input_tokens: 5, output_tokens: 1, output_tokens_details: { reasoning_tokens: 9 } } },
    'output_tokens',
    'must hold the 9 tokens',
  ],
  [
    'a total that hides reasoning',
    { usage: { prompt_tokens: 758, completion_tokens: 102, total_tokens: 1725 } },
    'total_tokens',
    'must be the sum of the others, 860, got 1725',
  ],
  [
    'a total of Gemini that is another',
    { usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 1, totalTokenCount: 7 } },
    'totalTokenCount',
    'got 7',
  ],
  [
    'tokens that Cohere had cached, which may be in what it bills or not',
    { usage: { billed_units: { input_tokens: 9, output_tokens: 57 }, cached_tokens: 400 } },
    'cached_tokens',
    'is not understood here',
  ],
  ['an input that Ollama leaves out', { done: true, eval_count: 290 }, 'prompt_eval_count', 'must be'],
  [
    'cache writes that do not add up',
    {
      usage: {
        input_tokens: 1,
        output_tokens: 1,
        cache_creation_input_tokens: 5,
        cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 3 },
      },
    },
    'cache_creation_input_tokens',
    'got 5',
  ],
  [
    'a count of a compaction that is none',
    {
      type: 'message',
      usage: { input_tokens: 1, output_tokens: 1, iterations: [{ type: 'compaction', input_tokens: '5' }] },
    },
    'iterations.0.input_tokens',
    'got "5"',
  ],
  [
    'two providers at once',
    { usage: { input_tokens: 5, output_tokens: 1, cache_read_input_tokens: 1, input_tokens_details: {} } },
    'usage',
    'of no known form',
  ],
  [
    'two names that say different counts',
    { 'gen_ai.usage.input_tokens': 5, 'gen_ai.usage.prompt_tokens': 6, 'gen_ai.usage.output_tokens': 1 },
    'gen_ai.usage.prompt_tokens',
    'got 6',
  ],
  [
    'a cached count under a name that its form does not have',
    { usage: { inputTokens: 5, outputTokens: 1, cacheReadTokens: 3 } },
    'cacheReadTokens',
    'is not understood',
  ],
  [
    'thoughts in a place that its form does not have',
    { usage: { input_tokens: 5, output_tokens: 9, details: { thinkingTokens: 3 } } },
    'details.thinkingTokens',
    'is not understood',
  ],
  [
    'reasoning that Perplexity counts beside the rest',
    { usage: { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14, reasoning_tokens: 700 } },
    'reasoning_tokens',
    'is not understood',
  ],
  [
    'what the AI SDK adds to a span of OpenTelemetry',
    { 'gen_ai.usage.input_tokens': 5, 'gen_ai.usage.output_tokens': 1, 'ai.usage.cachedInputTokens': 3 },
    'ai.usage.cachedInputTokens',
    'is not understood',
  ],
  [
    'an own name beside others, of which it is unclear what they include',
    { ...usage(5, 1, { read: 3 }), requests: 1 },
    'cacheReadTokens',
    'is not understood',
  ],
  [
    'a text count that is not the rest',
    { usage: { inputTokens: 5, outputTokens: 5, outputTokenDetails: { textTokens: 1, reasoningTokens: 1 } } },
    'outputTokenDetails.textTokens',
    'got 1',
  ],
];

test.each(wrong)('%s is a problem, and no usage', (_what, response, field, message) => {
  const { usage: found, problems } = usageFrom(response);
  expect(found).toBeUndefined();
  expect(problems[0]).toMatchObject({ field, message: expect.stringContaining(message) });
});

test('all that is wrong is said', () => {
  const { problems } = usageFrom({ usage: { input_tokens: -5, output_tokens: 'x' } });
  expect(problems.map(({ field }) => field).sort()).toEqual(['input_tokens', 'output_tokens']);
});

test('what throws when it is read is a problem, too', () => {
  const hostile = {
    get usage(): never {
      throw new Error('mine');
    },
  };
  expect(usageFrom(hostile).problems[0]?.message).toContain('cannot be read');
});

test('whatever is given, counts are whole and add up, or there are none', () => {
  const count = fc.oneof(fc.nat(1000), fc.constantFrom(undefined, null, -1, 0.5, 'x', Number.NaN, 2 ** 60));
  const names = ['prompt_tokens', 'completion_tokens', 'total_tokens', 'input_tokens', 'output_tokens', 'inputTokens'];
  const more = ['outputTokens', 'totalTokens', 'cachedInputTokens', 'cache_read_input_tokens', 'promptTokenCount'];
  const objects = fc.dictionary(fc.constantFrom(...names, ...more), count);
  fc.assert(
    fc.property(objects, fc.boolean(), (given, wrapped) => {
      const { usage: found, problems } = usageFrom(wrapped ? { usage: given } : given);
      expect(found === undefined).toBe(problems.length > 0);
      for (const tokens of Object.values(found ?? {})) {
        expect(Number.isSafeInteger(tokens) && tokens >= 0).toBe(true);
      }
    }),
  );
});
