import { aiSdkTelemetry } from '@toolweaver/analytics-adapters/ai-sdk';
import { createPrices } from '@toolweaver/analytics-prices';
import {
  APICallError,
  embed,
  embedMany,
  generateText,
  isStepCount,
  jsonSchema,
  streamObject,
  streamText,
  tool,
} from 'ai';
import { MockEmbeddingModelV4, MockLanguageModelV4, simulateReadableStream } from 'ai/test';
import { expect, test, vi } from 'vitest';
import { elapse, type Rig, rig } from './rig.ts';

const usage = {
  inputTokens: { total: 1000, noCache: 200, cacheRead: 800, cacheWrite: 0 },
  outputTokens: { total: 100, text: 60, reasoning: 40 },
};
const tokens = {
  inputTokens: 200,
  cacheReadTokens: 800,
  cacheWriteTokens: 0,
  outputTokens: 60,
  reasoningTokens: 40,
};
const stop = { unified: 'stop', raw: 'stop' } as const;
const toolCalls = { unified: 'tool-calls', raw: 'tool_calls' } as const;
const text = { content: [{ type: 'text', text: 'a secret answer' }], finishReason: stop, usage, warnings: [] } as const;

function calls(toolName: string, input: object) {
  return {
    content: [{ type: 'tool-call', toolCallId: 'c1', toolName, input: JSON.stringify(input) }],
    finishReason: toolCalls,
    usage,
    warnings: [],
  } as const;
}

const telemetryOf = ({ analytics }: Rig, functionId?: string) => ({
  integrations: aiSdkTelemetry(analytics),
  ...(functionId !== undefined && { functionId }),
});

test('a loop of an agent: calls of the model, tools, and what is in them', async () => {
  const made = rig({ prices: await createPrices() });
  const answers = [calls('weather', { city: 'Oslo' }), text];
  const model = new MockLanguageModelV4({
    provider: 'openai',
    modelId: 'gpt-4.1-mini',
    doGenerate: async () => {
      await elapse(5);
      return answers.shift() as never;
    },
  });
  const result = await made.analytics.trackRun({ id: 'r' }, () =>
    generateText({
      model,
      prompt: 'a secret question',
      telemetry: telemetryOf(made, 'forecast'),
      stopWhen: isStepCount(3),
      tools: {
        weather: tool({
          inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } }),
          execute: ({ city }) => made.analytics.trackOperation('lookup', () => `rain in ${city}`),
        }),
      },
    }),
  );
  expect(result.text).toBe('a secret answer');
  expect(await made.paths()).toEqual([
    'agent forecast > llm forecast',
    'agent forecast > tool weather > operation lookup',
    'agent forecast > tool weather',
    'agent forecast > llm forecast',
    'agent forecast',
  ]);
  const executions = await made.executions();
  expect(executions.every(({ runId, success }) => runId === 'r' && success)).toBe(true);
  const [first] = executions;
  expect(first).toMatchObject({ model: 'gpt-4.1-mini', provider: 'openai', attempt: 1, usage: tokens });
  // 200 · 0.4 + 800 · 0.1 + 100 · 1.6 US dollars a million.
  expect(first?.cost).toEqual({ nanoUsd: 320_000, source: 'computed' });
  expect(first?.latencyMs).toBeGreaterThan(3);
  expect(executions[2]).toMatchObject({
    inputBytes: '{"city":"Oslo"}'.length,
    outputBytes: 'rain in Oslo'.length,
  });
  expect(JSON.stringify(await made.events())).not.toMatch(/secret|Oslo/);
});

test('sampling keeps a loop with all that is in it', async () => {
  const made = rig({ sampleRate: 0.5 });
  const lookup = tool({
    inputSchema: jsonSchema<object>({ type: 'object' }),
    execute: () => made.analytics.trackOperation('lookup', () => 'rain'),
  });
  for (let loop = 0; loop < 60; loop += 1) {
    const answers = [calls('lookup', {}), text];
    await generateText({
      model: new MockLanguageModelV4({ modelId: 'm', doGenerate: async () => answers.shift() as never }),
      prompt: 'p',
      telemetry: telemetryOf(made, 'loop'),
      stopWhen: isStepCount(3),
      tools: { lookup },
    });
  }
  const paths = await made.paths();
  const loops = paths.filter((path) => path === 'agent loop').length;
  expect(loops).toBeGreaterThan(5);
  expect(loops).toBeLessThan(55);
  expect(paths).toHaveLength(5 * loops);
});

test('a tool that throws is a failure; the loop is none', async () => {
  const made = rig();
  const answers = [calls('broken', {}), text];
  await generateText({
    model: new MockLanguageModelV4({ modelId: 'm', doGenerate: async () => answers.shift() as never }),
    prompt: 'p',
    telemetry: telemetryOf(made),
    stopWhen: isStepCount(3),
    tools: {
      broken: tool({
        inputSchema: jsonSchema<object>({ type: 'object' }),
        execute: (): Promise<string> => Promise.reject(new RangeError('mine')),
      }),
    },
  });
  const failed = (await made.executions()).filter(({ success }) => !success);
  expect(failed).toMatchObject([{ kind: 'tool', name: 'broken', error: { type: 'RangeError', message: 'mine' } }]);
  expect((await made.paths()).at(-1)).toBe('agent ai.generateText');
});

test('a result of an MCP server that is an error is a failure of the tool', async () => {
  const made = rig();
  const answers = [calls('remote', {}), calls('remote', {}), text];
  const failure = { content: [{ type: 'text', text: 'no such city' }], isError: true };
  const results = [failure, { content: [], isError: false }];
  await generateText({
    model: new MockLanguageModelV4({ modelId: 'm', doGenerate: async () => answers.shift() as never }),
    prompt: 'p',
    telemetry: telemetryOf(made),
    stopWhen: isStepCount(3),
    tools: { remote: tool({ inputSchema: jsonSchema<object>({ type: 'object' }), execute: () => results.shift() }) },
  });
  expect((await made.executions()).filter(({ kind }) => kind === 'tool')).toMatchObject([
    { name: 'remote', success: false, error: { type: 'ToolError' }, outputBytes: JSON.stringify(failure).length },
    { name: 'remote', success: true },
  ]);
});

test('a tool that outlives its loop is recorded with its own time and outcome', async () => {
  const made = rig();
  const abort = new AbortController();
  const started = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<string>();
  const loop = generateText({
    model: new MockLanguageModelV4({ modelId: 'm', doGenerate: async () => calls('slow', {}) as never }),
    prompt: 'p',
    abortSignal: abort.signal,
    telemetry: telemetryOf(made),
    tools: {
      slow: tool({
        inputSchema: jsonSchema<object>({ type: 'object' }),
        execute: () => {
          abort.abort();
          started.resolve();
          return finished.promise;
        },
      }),
    },
  }).catch(() => 'aborted');
  await started.promise;
  await elapse(20);
  finished.resolve('done');
  await loop;
  const recorded = async () => (await made.executions()).find(({ kind }) => kind === 'tool');
  const slow = await vi.waitUntil(recorded, 30_000);
  expect(slow).toMatchObject({ name: 'slow', success: true, outputBytes: 4 });
  expect(slow.latencyMs).toBeGreaterThan(15);
});

test('each try of the model is recorded', async () => {
  const made = rig();
  let tries = 0;
  const result = await generateText({
    model: new MockLanguageModelV4({
      modelId: 'm',
      doGenerate: async () => {
        tries += 1;
        if (tries < 3) {
          const error = { message: 'busy', url: 'u', requestBodyValues: {}, statusCode: 503, isRetryable: true };
          throw new APICallError({ ...error, responseHeaders: { 'retry-after-ms': '1' } });
        }
        return text as never;
      },
    }),
    prompt: 'p',
    telemetry: telemetryOf(made),
  });
  expect(result.text).toBe('a secret answer');
  const models = (await made.executions()).filter(({ kind }) => kind === 'llm');
  expect(models.map(({ attempt, success, error }) => [attempt, success, error?.type])).toEqual([
    [1, false, 'AI_APICallError'],
    [2, false, 'AI_APICallError'],
    [3, true, undefined],
  ]);
});

test('a call that fails fails the loop, and is thrown on unchanged', async () => {
  const made = rig();
  const thrown = new RangeError('mine');
  const model = new MockLanguageModelV4({ modelId: 'm', doGenerate: () => Promise.reject(thrown) });
  await expect(generateText({ model, prompt: 'p', telemetry: telemetryOf(made) })).rejects.toBe(thrown);
  expect((await made.executions()).map(({ kind, success, error }) => [kind, success, error?.message])).toEqual([
    ['llm', false, 'mine'],
    ['agent', false, 'mine'],
  ]);
});

function streaming(chunks: readonly object[], chunkDelayInMs = 1) {
  const options = { chunks: chunks as never[], initialDelayInMs: 1, chunkDelayInMs };
  return new MockLanguageModelV4({ modelId: 'm', doStream: async () => ({ stream: simulateReadableStream(options) }) });
}

const start = [
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'a' },
];
const finish = [
  { type: 'text-end', id: '1' },
  { type: 'finish', finishReason: stop, usage },
];

test('a stream is measured until its end', async () => {
  const made = rig();
  const { textStream } = streamText({
    model: streaming([...start, ...finish], 5),
    prompt: 'p',
    telemetry: telemetryOf(made),
  });
  for await (const _ of textStream) {
    // Read to its end.
  }
  expect(await made.paths()).toEqual(['agent ai.streamText > llm m', 'agent ai.streamText']);
  const [model] = await made.executions();
  expect(model).toMatchObject({ success: true, usage: tokens });
  expect(model?.latencyMs).toBeGreaterThan(15);
});

test.each([
  ['read on', false],
  ['was left before', true],
])('a stream that is aborted, and %s, is a failure, and so is the call in it', async (_, isLeft) => {
  const made = rig();
  const abort = new AbortController();
  const { stream } = streamText({
    model: streaming([...start, ...start.slice(2), ...finish], 20),
    prompt: 'p',
    abortSignal: abort.signal,
    telemetry: telemetryOf(made),
  });
  for await (const part of stream) {
    if (part.type === 'text-delta') {
      if (isLeft) {
        break;
      }
      abort.abort();
    }
  }
  abort.abort();
  const outcomes = async () =>
    (await made.executions()).map(({ kind, success, error }) => [kind, success, error?.type]);
  await expect.poll(outcomes).toEqual([
    ['llm', false, 'AbortError'],
    ['agent', false, 'AbortError'],
  ]);
});

const broken = { type: 'error', error: new RangeError('broken') };
const finishWithError = { type: 'finish', finishReason: { unified: 'error', raw: 'error' }, usage };

test.each([
  ['that finishes with an error', [...start, broken, finishWithError]],
  ['that ends with an error', [...start, broken]],
])('a stream %s is a failure, and so is the loop', async (_, chunks) => {
  const made = rig();
  const { stream } = streamText({
    model: streaming(chunks),
    prompt: 'p',
    telemetry: telemetryOf(made),
    onError: () => {},
  });
  for await (const _ of stream) {
    // Read to its end.
  }
  expect((await made.executions()).map(({ kind, success, error }) => [kind, success, error?.type])).toEqual([
    ['llm', false, 'ModelError'],
    ['agent', false, 'ModelError'],
  ]);
});

test('a stream that ends too early is recorded', async () => {
  const made = rig();
  await streamText({ model: streaming(start), prompt: 'p', telemetry: telemetryOf(made) }).consumeStream();
  expect((await made.executions()).map(({ kind, success }) => [kind, success])).toEqual([
    ['llm', false],
    ['agent', true],
  ]);
});

test('a stream that broke and is tried again is a failure of its own', async () => {
  const made = rig();
  const streams = [
    [...start, broken],
    [...start, ...finish],
  ];
  const model = new MockLanguageModelV4({
    modelId: 'm',
    doStream: async () => ({ stream: simulateReadableStream({ chunks: streams.shift() as never[] }) }),
  });
  const options = { streamRetries: 1, onError: () => {}, telemetry: telemetryOf(made) };
  await streamText({ model, prompt: 'p', ...options }).consumeStream();
  const executions = await made.executions();
  expect(executions.map(({ kind, success, attempt }) => [kind, success, attempt])).toEqual([
    ['llm', false, 1],
    ['llm', true, 2],
    ['agent', true, undefined],
  ]);
  expect(executions[1]?.usage).toEqual(tokens);
});

test.each([
  ['finishes with an error', [...start, broken, finishWithError], [false, 'RangeError'], false],
  ['is no such object', [...start, ...finish], [false, 'AI_NoObjectGeneratedError'], true],
])('an object whose stream %s is a failure', async (_, chunks, [success, type], isOfModel) => {
  const made = rig();
  const { object, fullStream } = streamObject({
    model: streaming(chunks),
    schema: jsonSchema({ type: 'object' }),
    prompt: 'p',
    telemetry: telemetryOf(made),
    onError: () => {},
  });
  object.catch(() => {});
  for await (const _ of fullStream) {
    // Read to its end.
  }
  const [model, whole] = await made.executions();
  expect(model).toMatchObject({ kind: 'llm', success: isOfModel, usage: tokens });
  expect(whole).toMatchObject({ name: 'ai.streamObject', success, error: { type } });
});

test('an answer that finishes with an error is a failure, and so is the loop', async () => {
  const made = rig();
  const answer = { ...text, finishReason: finishWithError.finishReason };
  const model = new MockLanguageModelV4({ modelId: 'm', doGenerate: async () => answer as never });
  await generateText({ model, prompt: 'p', telemetry: telemetryOf(made) });
  expect((await made.executions()).map(({ success }) => success)).toEqual([false, false]);
});

test('embeddings are calls of their model', async () => {
  const made = rig();
  const model = new MockEmbeddingModelV4({
    provider: 'openai',
    modelId: 'text-embedding-3-small',
    maxEmbeddingsPerCall: 1,
    doEmbed: async () => ({ embeddings: [[1, 2]], usage: { tokens: 7 }, warnings: [] }),
  });
  await embedMany({ model, values: ['a', 'b'], telemetry: telemetryOf(made) });
  expect(await made.paths()).toEqual([
    'operation ai.embedMany > llm text-embedding-3-small',
    'operation ai.embedMany > llm text-embedding-3-small',
    'operation ai.embedMany',
  ]);
  expect((await made.executions())[0]).toMatchObject({ model: 'text-embedding-3-small', usage: { inputTokens: 7 } });
});

test('embeddings that had to be tried again are failures of their model', async () => {
  const made = rig();
  let tries = 0;
  const model = new MockEmbeddingModelV4({
    provider: 'openai',
    modelId: 'text-embedding-3-small',
    doEmbed: async () => {
      tries += 1;
      if (tries === 1) {
        const busy = { message: 'busy', url: 'https://x', requestBodyValues: {}, statusCode: 503, isRetryable: true };
        throw new APICallError({ ...busy, responseHeaders: { 'retry-after-ms': '1' } });
      }
      return { embeddings: [[1, 2]], usage: { tokens: 7 }, warnings: [] };
    },
  });
  await embed({ model, value: 'a', telemetry: telemetryOf(made) });
  const [good, bad, whole] = await made.executions();
  expect(good).toMatchObject({ kind: 'llm', success: true, usage: { inputTokens: 7 } });
  expect(bad).toMatchObject({ kind: 'llm', success: false, error: { type: 'ModelError' }, parentId: whole?.id });
  expect(bad?.latencyMs).toBeUndefined();
  expect(whole).toMatchObject({ name: 'ai.embed', success: true });
});

test('embeddings that fail for good have the error of the last attempt, and no latency', async () => {
  const made = rig();
  const model = new MockEmbeddingModelV4({
    modelId: 'text-embedding-3-small',
    doEmbed: async () => {
      const busy = { message: 'busy', url: 'https://x', requestBodyValues: {}, statusCode: 429, isRetryable: true };
      throw new APICallError({ ...busy, responseHeaders: { 'retry-after-ms': '1' } });
    },
  });
  await expect(embed({ model, value: 'a', telemetry: telemetryOf(made) })).rejects.toThrow('busy');
  const attempts = (await made.executions()).filter(({ kind }) => kind === 'llm');
  expect(attempts.map(({ error, latencyMs }) => [error?.type, latencyMs])).toEqual(
    [1, 2, 3].map(() => ['AI_APICallError', undefined]),
  );
});

test('usage that contradicts itself is unknown, and an attribute says why', async () => {
  const made = rig();
  const odd = { ...usage, outputTokens: { total: 100, text: 99, reasoning: 40 } };
  const model = new MockLanguageModelV4({ modelId: 'm', doGenerate: async () => ({ ...text, usage: odd }) as never });
  await generateText({ model, prompt: 'p', telemetry: telemetryOf(made) });
  const [call] = await made.executions();
  expect(call?.usage).toBeUndefined();
  expect(call?.attributes?.['usage_problem']).toMatch(/^output.* must be the sum of the others, 60, got 99$/);
});

test('usage that nobody says is unknown', async () => {
  const made = rig();
  const nothing = { inputTokens: { total: undefined }, outputTokens: { total: undefined } };
  const model = new MockLanguageModelV4({
    modelId: 'm',
    doGenerate: async () => ({ ...text, usage: nothing }) as never,
  });
  await generateText({ model, prompt: 'p', telemetry: telemetryOf(made) });
  expect((await made.executions())[0]?.usage).toBeUndefined();
});

test('an abort says its reason, where that is an error', async () => {
  const made = rig();
  const { onStart, onAbort } = aiSdkTelemetry(made.analytics);
  for (const [callId, reason] of Object.entries({ a: new RangeError('too long'), b: 'enough', c: undefined })) {
    onStart?.({ callId, operationId: 'ai.streamText' } as never);
    onAbort?.({ callId, reason } as never);
  }
  expect((await made.executions()).map(({ error }) => error)).toEqual([
    { type: 'RangeError', message: 'too long' },
    { type: 'AbortError', message: 'aborted' },
    { type: 'AbortError', message: 'aborted' },
  ]);
});

test('an error that names no call ends none', async () => {
  const made = rig();
  const { onStart, onError, onEnd } = aiSdkTelemetry(made.analytics);
  onStart?.({ callId: 'a', operationId: 'ai.generateText' } as never);
  onError?.({ error: new Error('of nobody') } as never);
  onEnd?.({ callId: 'a' } as never);
  expect(await made.executions()).toMatchObject([{ name: 'ai.generateText', success: true }]);
});

test('tries are counted anew in each step', async () => {
  const made = rig();
  const { onStart, executeLanguageModelCall, onLanguageModelCallEnd, onEnd } = aiSdkTelemetry(made.analytics);
  const call = { callId: 'a', modelId: 'm', provider: 'p' };
  const attempt = (execute: () => Promise<unknown>): unknown =>
    executeLanguageModelCall?.({ ...call, execute } as never);
  onStart?.({ callId: 'a', operationId: 'ai.generateText' } as never);
  await expect(attempt(() => Promise.reject(new Error('busy')))).rejects.toThrow('busy');
  for (let step = 0; step < 2; step += 1) {
    await attempt(async () => 'answer');
    onLanguageModelCallEnd?.({ callId: 'a', usage: {}, finishReason: 'stop' } as never);
  }
  onEnd?.({ callId: 'a' } as never);
  const calls = (await made.executions()).filter(({ kind }) => kind === 'llm');
  expect(calls.map(({ attempt: count, success }) => [count, success])).toEqual([
    [1, false],
    [2, true],
    [1, true],
  ]);
});

test('an embedding whose tokens are no number is recorded without them', async () => {
  const made = rig();
  const model = new MockEmbeddingModelV4({
    doEmbed: async () => ({ embeddings: [[1]], usage: { tokens: Number.NaN }, warnings: [] }),
  });
  await embed({ model, value: 'a', telemetry: telemetryOf(made) });
  const [call] = await made.executions();
  expect(call).toMatchObject({ kind: 'llm', success: true });
  expect(call?.usage).toBeUndefined();
});
