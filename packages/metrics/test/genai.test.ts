import { createCells, genaiMetrics } from '@toolweaver/analytics-metrics';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { histograms } from './support.ts';

const events = [
  execution({
    kind: 'llm',
    name: 'answer',
    model: 'm',
    provider: 'openai',
    success: true,
    latencyMs: 1500,
    usage: { inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 4, outputTokens: 8, reasoningTokens: 16 },
  }),
  execution({ kind: 'llm', name: 'answer', model: 'm', provider: 'openai', success: false, latencyMs: 20 }),
  execution({ kind: 'tool', name: 't', success: false, latencyMs: 30, error: { type: 'TimeoutError' } }),
  execution({ kind: 'agent', name: 'planner', success: true, latencyMs: 40 }),
  execution({ kind: 'skill', name: 's', success: true, latencyMs: 50 }),
];

test('calls, tokens, tools and agents under the names of the conventions', () => {
  const cells = createCells({ semconv: 'genai' });
  events.forEach(cells.record);
  expect(histograms(cells, 'gen_ai.client.operation.duration')).toMatchObject([
    { labels: ['chat', 'openai', 'm', ''], count: 1, sum: 1.5 },
    { labels: ['chat', 'openai', 'm', '_OTHER'], count: 1, sum: 0.02 },
  ]);
  // Cached tokens are input, and those of reasoning are output.
  expect(histograms(cells, 'gen_ai.client.token.usage')).toMatchObject([
    { labels: ['chat', 'openai', 'm', '', 'input'], count: 1, sum: 7 },
    { labels: ['chat', 'openai', 'm', '', 'output'], count: 1, sum: 24 },
  ]);
  expect(histograms(cells, 'gen_ai.execute_tool.duration')).toMatchObject([
    { labels: ['t', 'TimeoutError'], count: 1, sum: 0.03 },
  ]);
  expect(histograms(cells, 'gen_ai.invoke_agent.duration')).toMatchObject([
    { labels: ['planner', ''], count: 1, sum: 0.04 },
  ]);
});

const known: Readonly<Record<string, readonly string[]>> = {
  anthropic: ['anthropic', 'anthropic.messages'],
  'aws.bedrock': ['aws.bedrock', 'amazon-bedrock', 'amazon_bedrock', 'bedrock.anthropic.messages'],
  'azure.ai.inference': ['azure.ai.inference'],
  'azure.ai.openai': ['azure.ai.openai', 'azure', 'azure.chat', 'azure.responses', 'azure_openai', 'azure-openai.chat'],
  cohere: ['cohere', 'cohere.chat'],
  deepseek: ['deepseek', 'deepseek.chat'],
  'gcp.gemini': ['gcp.gemini', 'google.generative-ai', 'google_genai'],
  'gcp.gen_ai': ['gcp.gen_ai', 'google'],
  'gcp.vertex_ai': [
    'gcp.vertex_ai',
    'google.vertex.chat',
    'google-vertex',
    'google_vertexai',
    'vertex.anthropic.messages',
  ],
  groq: ['groq', 'groq.chat'],
  'ibm.watsonx.ai': ['ibm.watsonx.ai', 'watsonx'],
  mistral_ai: ['mistral_ai', 'mistral', 'mistral.chat', 'mistralai'],
  moonshot_ai: ['moonshot_ai', 'moonshotai.chat'],
  openai: ['openai', 'openai.chat', 'openai.responses', 'OpenAI'],
  perplexity: ['perplexity'],
  x_ai: ['x_ai', 'xai', 'xai.chat'],
};

test.each(Object.entries(known))('%s, whatever the provider is called', (name, others) => {
  const cells = createCells({ semconv: 'both' });
  for (const provider of others) {
    cells.record(execution({ kind: 'llm', model: 'm', provider, success: true, latencyMs: 1000 }));
  }
  expect(histograms(cells, 'gen_ai.client.operation.duration')).toMatchObject([
    { labels: ['chat', name, 'm', ''], count: others.length },
  ]);
  // Ours keep what was recorded.
  const recorded = histograms(cells, 'toolweaver_llm_duration_seconds').map(({ labels }) => labels[1]);
  expect(new Set(recorded)).toEqual(new Set(others));
});

test.each(['Ollama', 'my.own', '', 'constructor'])(
  'a provider that the conventions do not know stays: %j',
  (provider) => {
    const cells = createCells({ semconv: 'genai' });
    cells.record(execution({ kind: 'llm', model: 'm', provider, success: true, latencyMs: 1000 }));
    expect(histograms(cells, 'gen_ai.client.operation.duration')).toMatchObject([
      { labels: ['chat', provider, 'm', ''] },
    ]);
  },
);

test('beside ours, or instead', () => {
  const named = (semconv: 'toolweaver' | 'genai' | 'both') => {
    const names = createCells({ semconv })
      .families()
      .map(({ metric }) => metric.name);
    return { genai: names.filter((name) => name.startsWith('gen_ai.')).length, all: names.length };
  };
  const conventions = Object.keys(genaiMetrics).length;
  expect(named('toolweaver')).toEqual({ genai: 0, all: 22 });
  expect(named('genai')).toEqual({ genai: conventions, all: conventions + 3 });
  expect(named('both')).toEqual({ genai: conventions, all: 22 + conventions });
});

test('the buckets are those of the conventions', () => {
  expect(genaiMetrics.tokenUsage.bounds?.at(-1)).toBe(67_108_864);
  expect(genaiMetrics.operationDuration.bounds).toHaveLength(14);
});

test('bounds are those of the conventions: each twice the one before, of tokens four times', () => {
  const { tokenUsage, invokeAgent, ...ofCalls } = genaiMetrics;
  const powers = (first: number, base: number, count: number): number[] =>
    Array.from({ length: count }, (_, power) => Number((first * base ** power).toPrecision(12)));
  expect(tokenUsage.bounds).toEqual(powers(1, 4, 14));
  expect(invokeAgent.bounds).toEqual(powers(0.1, 2, 13));
  for (const { bounds } of Object.values(ofCalls)) {
    expect(bounds).toEqual(powers(0.01, 2, 14));
  }
});
