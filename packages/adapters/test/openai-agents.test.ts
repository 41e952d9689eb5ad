import { setImmediate } from 'node:timers/promises';
import {
  Agent,
  addTraceProcessor,
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  Runner,
  run,
  setTraceProcessors,
  setTracingDisabled,
  tool,
  withGenerationSpan,
  withTrace,
} from '@openai/agents';
import { openAiAgentsProcessor } from '@toolweaver/analytics-adapters/openai-agents';
import { createPrices } from '@toolweaver/analytics-prices';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type Rig, rig } from './rig.ts';

beforeEach(() => {
  setTraceProcessors([]);
  setTracingDisabled(false);
});

const usage = {
  input_tokens: 1000,
  output_tokens: 100,
  total_tokens: 1100,
  input_tokens_details: { cached_tokens: 800 },
  output_tokens_details: { reasoning_tokens: 40 },
};

/** A client of OpenAI that answers by itself. */
function answering(...outputs: readonly object[]): never {
  const left = [...outputs];
  const create = async () => {
    const output = left.shift();
    if (output instanceof Error) {
      throw output;
    }
    return {
      id: 'resp_1',
      object: 'response',
      model: 'gpt-4.1-mini-2025-04-14',
      status: 'completed',
      output: [output],
      usage,
    };
  };
  return { responses: { create }, baseURL: 'http://localhost' } as never;
}

const said = {
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'a secret answer', annotations: [] }],
};
const calls = {
  type: 'function_call',
  id: 'fc_1',
  call_id: 'c1',
  name: 'weather',
  arguments: '{"city":"Oslo"}',
  status: 'completed',
};

function agentOf(made: Rig, client: never, execute: (input: { city: string }) => Promise<string>): Agent {
  addTraceProcessor(openAiAgentsProcessor(made.analytics));
  return new Agent({
    name: 'forecaster',
    instructions: 'be brief',
    model: new OpenAIResponsesModel(client, 'gpt-4.1-mini'),
    tools: [tool({ name: 'weather', description: 'the weather', parameters: z.object({ city: z.string() }), execute })],
  });
}

test('a run of an agent: responses of the model, and functions', async () => {
  const made = rig();
  const agent = agentOf(made, answering(calls, said), async ({ city }) => `rain in ${city}`);
  const { finalOutput } = await made.analytics.trackRun({ id: 'r' }, () => run(agent, 'a secret question'));
  expect(finalOutput).toBe('a secret answer');
  expect(await made.paths()).toEqual([
    'agent forecaster > llm gpt-4.1-mini-2025-04-14',
    'agent forecaster > tool weather',
    'agent forecaster > llm gpt-4.1-mini-2025-04-14',
    'agent forecaster',
  ]);
  const executions = await made.executions();
  expect(executions.every(({ runId, success }) => runId === 'r' && success)).toBe(true);
  expect(executions[0]).toMatchObject({
    model: 'gpt-4.1-mini-2025-04-14',
    provider: 'openai',
    usage: { inputTokens: 200, cacheReadTokens: 800, cacheWriteTokens: 0, outputTokens: 60, reasoningTokens: 40 },
  });
  expect(executions[1]).toMatchObject({ inputBytes: '{"city":"Oslo"}'.length, outputBytes: 'rain in Oslo'.length });
  expect(JSON.stringify(await made.events())).not.toMatch(/secret|Oslo/);
});

test('a function that throws, and a model that does, are failures', async () => {
  const made = rig();
  const agent = agentOf(made, answering(calls, new RangeError('no model')), () =>
    Promise.reject(new Error('no weather')),
  );
  await expect(run(agent, 'q')).rejects.toThrow('no model');
  const failed = (await made.executions()).filter(({ success }) => !success);
  expect(failed.map(({ kind, error }) => [kind, error?.type])).toContainEqual(['tool', 'AgentsError']);
  expect(failed.map(({ kind }) => kind)).toContain('llm');
});

test.each(['break', 'abort'])('a stream that is stopped early is a failure: %s', async (how) => {
  const made = rig();
  addTraceProcessor(openAiAgentsProcessor(made.analytics));
  async function* stream(): AsyncGenerator<object> {
    yield { type: 'response.created', response: {} };
    for (;;) {
      await setImmediate();
      yield { type: 'response.output_text.delta', delta: 'a' };
    }
  }
  const client = { responses: { create: async () => stream() }, baseURL: 'http://localhost' } as never;
  const agent = new Agent({ name: 'a', model: new OpenAIResponsesModel(client, 'gpt-4.1-mini') });
  const stopped = new AbortController();
  for await (const _ of await run(agent, 'q', { stream: true, signal: stopped.signal })) {
    if (how === 'break') {
      break;
    }
    stopped.abort();
  }
  await expect.poll(() => made.paths()).toEqual(['agent a > llm unknown', 'agent a']);
  expect((await made.executions())[0]).toMatchObject({
    success: false,
    error: { type: 'AgentsError', message: 'its stream was stopped early' },
  });
});

test('what is hidden is no failure', async () => {
  const made = rig();
  addTraceProcessor(openAiAgentsProcessor(made.analytics));
  const agent = new Agent({ name: 'a', model: new OpenAIResponsesModel(answering(said), 'gpt-4.1-mini') });
  await new Runner({ traceIncludeSensitiveData: false }).run(agent, 'q');
  expect((await made.executions()).map(({ kind, success }) => [kind, success])).toEqual([
    ['llm', true],
    ['agent', true],
  ]);
});

test('generations of the chat completions say their usage, too', async () => {
  const made = rig();
  addTraceProcessor(openAiAgentsProcessor(made.analytics));
  const completion = {
    id: 'c1',
    object: 'chat.completion',
    model: 'gpt-4.1-mini',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'answer' } }],
    usage: {
      prompt_tokens: 1000,
      completion_tokens: 100,
      total_tokens: 1100,
      prompt_tokens_details: { cached_tokens: 800 },
      completion_tokens_details: { reasoning_tokens: 40 },
    },
  };
  const client = { chat: { completions: { create: async () => completion } }, baseURL: 'http://localhost' } as never;
  const agent = new Agent({ name: 'a', model: new OpenAIChatCompletionsModel(client, 'gpt-4.1-mini') });
  expect((await run(agent, 'q')).finalOutput).toBe('answer');
  expect((await made.executions())[0]).toMatchObject({
    kind: 'llm',
    name: 'gpt-4.1-mini',
    usage: { inputTokens: 200, cacheReadTokens: 800, outputTokens: 60, reasoningTokens: 40 },
  });
});

test('a model of the AI SDK has its own provider and name, and so its price', async () => {
  const made = rig({ prices: await createPrices() });
  addTraceProcessor(openAiAgentsProcessor(made.analytics));
  await withTrace('t', () =>
    withGenerationSpan(async ({ spanData }) => {
      // As `aisdk()` of the extensions does.
      spanData.model = 'anthropic.messages:claude-sonnet-4-5';
      spanData.model_config = { provider: 'anthropic.messages', model_impl: 'ai-sdk' };
      spanData.usage = { input_tokens: 1000, output_tokens: 100 };
    }),
  );
  expect((await made.executions())[0]).toMatchObject({
    name: 'claude-sonnet-4-5',
    model: 'claude-sonnet-4-5',
    provider: 'anthropic.messages',
    cost: { nanoUsd: 4_500_000 },
  });
});

test('belongs to the run in which it started, wherever it ends, and is there once the processor has flushed', async () => {
  for (const flush of ['forceFlush', 'shutdown'] as const) {
    const made = rig();
    const processor = openAiAgentsProcessor(made.analytics);
    const span = { spanId: 's', parentId: null, spanData: { type: 'agent', name: 'planner' } } as never;
    const started = made.analytics.startRun({ name: 'solve' });
    await started.within(() => processor.onSpanStart(span));
    await processor.onSpanEnd(span);
    await processor[flush]();
    expect(made.analytics.stats().backends['memory']).toMatchObject({ queued: 0, delivered: 2 });
    expect(await made.executions()).toMatchObject([{ name: 'planner', runId: started.id }]);
  }
});
