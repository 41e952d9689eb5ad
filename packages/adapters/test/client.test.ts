import { createToolkitCache, trackToolkit } from '@toolweaver/analytics-adapters';
import { aiSdkTelemetry } from '@toolweaver/analytics-adapters/ai-sdk';
import { langChainCallbacks } from '@toolweaver/analytics-adapters/langchain';
import { trackMcpServer } from '@toolweaver/analytics-adapters/mcp';
import { openAiAgentsProcessor } from '@toolweaver/analytics-adapters/openai-agents';
import { expect, test } from 'vitest';

const adapters: readonly ((analytics: never) => unknown)[] = [
  aiSdkTelemetry,
  langChainCallbacks,
  openAiAgentsProcessor,
  createToolkitCache,
  (analytics) => trackMcpServer(analytics, {} as never),
  (analytics) => trackToolkit(analytics, {}, { name: 'a' }),
];

test.each([undefined, Promise.resolve({}), {}])(
  'every adapter refuses at the start what is no client: %j',
  (analytics) => {
    for (const adapt of adapters) {
      expect(() => adapt(analytics as never)).toThrow(
        'analytics: must be a client; createAnalyticsClient has to be awaited',
      );
    }
  },
);
