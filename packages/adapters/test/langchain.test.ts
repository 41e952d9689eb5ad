import { setImmediate } from 'node:timers/promises';
import { InMemoryCache } from '@langchain/core/caches';
import { AIMessage, ToolMessage } from '@langchain/core/messages';
import { BaseRetriever } from '@langchain/core/retrievers';
import { RunnableLambda } from '@langchain/core/runnables';
import { tool } from '@langchain/core/tools';
import { FakeListChatModel, FakeLLM, FakeStreamingLLM } from '@langchain/core/utils/testing';
import { Command, interrupt, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { type LangChainOptions, langChainCallbacks } from '@toolweaver/analytics-adapters/langchain';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Rig, rig } from './rig.ts';

const configOf = ({ analytics }: Rig, options?: LangChainOptions) => ({
  callbacks: [langChainCallbacks(analytics, options)],
});

/** A model that says which one it is and what it used, as real ones do. */
class CountingModel extends FakeListChatModel {
  override _formatGeneration(text: string) {
    const usage = {
      input_tokens: 1000,
      output_tokens: 100,
      total_tokens: 1100,
      input_token_details: { cache_read: 800 },
      output_token_details: { reasoning: 40 },
    };
    const message = new AIMessage(text);
    message.usage_metadata = usage as never;
    return { message, text };
  }
  override getLsParams() {
    return { ls_provider: 'anthropic', ls_model_name: 'claude-sonnet-4-5', ls_model_type: 'chat' as const };
  }
}

const lookup = tool(async ({ city }) => `rain in ${city}`, {
  name: 'lookup',
  description: 'the weather',
  schema: z.object({ city: z.string() }),
});

class Pages extends BaseRetriever {
  lc_namespace = ['tests'];
  override async _getRelevantDocuments() {
    return [];
  }
}

test('what is aborted fails with an AbortError, under whatever name its model says so', async () => {
  const made = rig();
  // As ChatOpenAI, LangGraph and the core of LangChain throw them.
  const messages = ['AbortError', 'Abort', 'Aborted', 'Aborted by the reviewer'];
  for (const thrown of messages.map((message) => new Error(message))) {
    const chain = RunnableLambda.from(() => Promise.reject(thrown));
    await expect(chain.invoke('x', configOf(made))).rejects.toBe(thrown);
  }
  expect((await made.executions()).map(({ error }) => error)).toEqual([
    ...Array.from({ length: 3 }, () => ({ type: 'AbortError', message: 'aborted' })),
    { type: 'Error', message: 'Aborted by the reviewer' },
  ]);
});

test.each([
  ['a chat model', () => new CountingModel({ responses: ['rain'], cache: new InMemoryCache() })],
  ['a text model', () => new FakeLLM({ response: 'rain', cache: new InMemoryCache() })],
])('what the cache of %s answers costs nothing', async (_, makeModel) => {
  const made = rig({ prices: { price: () => ({ nanoUsd: 5, source: 'computed' }) } });
  const model = makeModel();
  await model.invoke('the weather', configOf(made));
  await model.invoke('the weather', configOf(made));
  const [asked, cached] = await made.executions();
  expect(asked?.cacheHit).toBeUndefined();
  expect(cached).toMatchObject({ cacheHit: true, usage: undefined, cost: { nanoUsd: 0 }, success: true });
});

test('a chain with a model, a tool and a retriever in it', async () => {
  const made = rig();
  const model = new CountingModel({ responses: ['a secret answer'] });
  const chain = RunnableLambda.from(async (city: string, config) => {
    await new Pages().invoke(city, config);
    await lookup.invoke({ city }, config);
    return model.invoke('a secret question', config);
  }).pipe((message: AIMessage) => message.content);
  const answer = await made.analytics.trackRun({ id: 'r' }, () =>
    made.analytics.trackOperation({ kind: 'agent', name: 'around' }, () =>
      chain.invoke('Oslo', { ...configOf(made), runName: 'forecast' }),
    ),
  );
  expect(answer).toBe('a secret answer');
  expect(await made.paths()).toEqual([
    'agent around > operation forecast > search Pages',
    'agent around > operation forecast > tool lookup',
    'agent around > operation forecast > llm claude-sonnet-4-5',
    'agent around > operation forecast',
    'agent around',
  ]);
  const executions = await made.executions();
  expect(executions.every(({ runId, success }) => runId === 'r' && success)).toBe(true);
  expect(executions[0]).toMatchObject({ inputBytes: 4 });
  expect(executions[1]).toMatchObject({ inputBytes: '{"city":"Oslo"}'.length, outputBytes: 'rain in Oslo'.length });
  expect(executions[2]).toMatchObject({
    model: 'claude-sonnet-4-5',
    provider: 'anthropic',
    usage: { inputTokens: 200, cacheReadTokens: 800, cacheWriteTokens: 0, outputTokens: 60, reasoningTokens: 40 },
  });
  expect(JSON.stringify(await made.events())).not.toMatch(/secret|Oslo/);
});

test('every chain of a chain, where that is wanted', async () => {
  const made = rig();
  const chain = RunnableLambda.from((value: number) => value + 1).pipe((value: number) => value * 2);
  expect(await chain.invoke(1, configOf(made, { innerChains: true }))).toBe(4);
  expect(await made.paths()).toEqual([
    'operation RunnableSequence > operation RunnableLambda',
    'operation RunnableSequence > operation RunnableLambda',
    'operation RunnableSequence',
  ]);
});

test('sampling keeps a chain with all that is in it', async () => {
  const made = rig({ sampleRate: 0.5 });
  const inner = RunnableLambda.from((value: number) => value + 1).pipe((value: number) => value * 2);
  const chain = RunnableLambda.from((value: number, config) => inner.invoke(value, config)).pipe(inner);
  for (let call = 0; call < 60; call += 1) {
    await chain.invoke(1, configOf(made, { innerChains: true }));
  }
  const paths = await made.paths();
  const chains = paths.filter((path) => path === 'operation RunnableSequence').length;
  expect(chains).toBeGreaterThan(5);
  expect(chains).toBeLessThan(55);
  expect(Math.max(...paths.map((path) => path.split('>').length))).toBeGreaterThan(2);
  expect(paths.length / chains).toBe(8);
});

test('what fails is a failure, and thrown on', async () => {
  const made = rig();
  const model = new FakeListChatModel({ responses: ['x'] });
  await expect(model.invoke('q', { ...configOf(made), thrownErrorString: 'mine' } as never)).rejects.toThrow('mine');
  const broken = tool(() => Promise.reject(new RangeError('broken')), {
    name: 'broken',
    description: 'fails',
    schema: z.object({}),
  });
  await expect(broken.invoke({}, configOf(made))).rejects.toThrow('broken');
  const chain = RunnableLambda.from(() => Promise.reject(new TypeError('chain')));
  await expect(chain.invoke('', configOf(made))).rejects.toThrow('chain');
  expect((await made.executions()).map(({ kind, success, error }) => [kind, success, error])).toEqual([
    ['llm', false, { type: 'Error', message: 'mine' }],
    ['tool', false, { type: 'RangeError', message: 'broken' }],
    ['operation', false, { type: 'TypeError', message: 'chain' }],
  ]);
});

test('a message of a tool that says so is a failure', async () => {
  const made = rig();
  const refusal = new ToolMessage({ content: 'no such city', tool_call_id: 'c1', status: 'error' });
  const refusing = tool(() => refusal, { name: 'refusing', description: 'd', schema: z.object({}) });
  await refusing.invoke({}, configOf(made));
  expect(await made.executions()).toMatchObject([{ name: 'refusing', success: false, error: { type: 'ToolError' } }]);
});

test('a tool of a graph that waits for somebody is no failure, and goes on once it is answered', async () => {
  const made = rig();
  const pay = tool(() => interrupt('approve?'), { name: 'pay', description: 'd', schema: z.object({}) });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('work', async (_, config) => {
      await pay.invoke({}, config);
      return { messages: [] };
    })
    .addEdge(START, 'work')
    .compile({ checkpointer: new MemorySaver() });
  const config = { ...configOf(made), configurable: { thread_id: 't' } };
  expect(await graph.invoke({ messages: [] }, config)).toMatchObject({ __interrupt__: [{ value: 'approve?' }] });
  await graph.invoke(new Command({ resume: 'yes' }), config);
  const executions = await made.executions();
  expect(executions.filter(({ success }) => !success)).toEqual([]);
  expect(executions.filter(({ kind }) => kind === 'tool').map(({ name }) => name)).toEqual(['pay', 'pay']);
});

test('a model that streams is one call, and one that says nothing of itself goes by its class', async () => {
  const made = rig();
  const parts: string[] = [];
  for await (const part of await new FakeStreamingLLM({ responses: ['abc'] }).stream('q', configOf(made))) {
    parts.push(part);
  }
  expect(parts).toEqual(['a', 'b', 'c']);
  expect(await made.executions()).toMatchObject([{ kind: 'llm', success: true, usage: undefined }]);
});

test('runs at the same time keep to themselves, and all is recorded when they end', async () => {
  const made = rig();
  const ids = Array.from({ length: 8 }, (_, at) => `run ${at}`);
  const chain = RunnableLambda.from(async (value: string, config) => {
    await setImmediate();
    return lookup.invoke({ city: value }, config);
  });
  await Promise.all(
    ids.map((id) =>
      made.analytics.trackRun({ id }, () => chain.invoke(id, { ...configOf(made), runName: `chain of ${id}` })),
    ),
  );
  expect(made.analytics.stats().backends['memory']?.accepted).toBe(4 * ids.length);
  const executions = await made.executions();
  const chains = executions.filter(({ kind }) => kind === 'operation');
  expect(chains.map(({ name, runId }) => [name, runId]).sort()).toEqual(ids.map((id) => [`chain of ${id}`, id]));
  const ofTools = executions.filter(({ kind }) => kind === 'tool');
  expect(ofTools.map(({ runId }) => runId).sort()).toEqual(ids);
});

test.each([
  [{ innerChain: true }, 'innerChain: is not an option; the options are innerChains'],
  [null, 'options: must be an object, got null'],
  [{ innerChains: 'false' }, 'innerChains: must be true or false, got "false"'],
])('refuses %j', (options, message) => {
  const { analytics } = rig();
  expect(() => langChainCallbacks(analytics, options as LangChainOptions)).toThrow(message);
});

test.each([
  ['it was asked', { ls_provider: 'google_genai' }, {}],
  ['it answered', undefined, { model_provider: 'google-vertexai' }],
])(
  'the thoughts of Gemini, which are in the total only, are output that was reasoned, if it says so when %s',
  async (_, asked, answered) => {
    const made = rig();
    await callModel(made, { asked, answered });
    const usage = { inputTokens: 100, outputTokens: 20, reasoningTokens: 10 };
    expect(await made.executions()).toMatchObject([{ usage }]);
  },
);

test('a surplus of the total of another model is no thoughts, so its usage is unknown', async () => {
  const made = rig();
  await callModel(made, { asked: { ls_provider: 'amazon_bedrock' }, answered: { model_provider: 'bedrock-converse' } });
  const usage_problem = 'total_tokens must be the sum of the others, 120, got 130';
  expect(await made.executions()).toMatchObject([{ usage: undefined, attributes: { usage_problem } }]);
});

/** A call whose total is 10 tokens more than its input and output. */
async function callModel({ analytics }: Rig, { asked, answered }: { asked: object | undefined; answered: object }) {
  const { handleLLMStart, handleLLMEnd } = langChainCallbacks(analytics);
  const model = { lc: 1, type: 'not_implemented' as const, id: ['Model'] };
  handleLLMStart?.(model, ['p'], 'llm', undefined, undefined, undefined, asked as Record<string, unknown>);
  const message = new AIMessage({ content: 'a', response_metadata: answered });
  message.usage_metadata = {
    input_tokens: 100,
    output_tokens: 20,
    total_tokens: 130,
    input_token_details: {},
  } as never;
  handleLLMEnd?.({ generations: [[{ text: 'a', message } as never]] }, 'llm');
}

test('what models and tools say in other ways is read, too', async () => {
  const made = rig();
  const { handleLLMStart, handleLLMEnd, handleToolStart, handleToolEnd } = langChainCallbacks(made.analytics);
  const serialized = { lc: 1, type: 'not_implemented' as const, id: ['langchain', 'x', 'Thing'] };
  // Older models have no usage in their message.
  handleLLMStart?.(serialized, ['p'], 'llm');
  const tokenUsage = { promptTokens: 7, completionTokens: 3, totalTokens: 10 };
  handleLLMEnd?.({ generations: [[{ text: 'a' }]], llmOutput: { tokenUsage } }, 'llm');
  // Data of a tool's own that look like a message; and a message, of which the content counts.
  handleToolStart?.(serialized, 'in', 'data');
  handleToolEnd?.({ type: 'job', status: 'error' }, 'data');
  handleToolStart?.(serialized, 'in', 'message');
  handleToolEnd?.(new ToolMessage({ content: 'four', tool_call_id: '1' }), 'message');
  expect(await made.executions()).toMatchObject([
    { kind: 'llm', name: 'Thing', usage: { inputTokens: 7, outputTokens: 3 } },
    { kind: 'tool', success: true },
    { kind: 'tool', success: true, outputBytes: 4 },
  ]);
});
