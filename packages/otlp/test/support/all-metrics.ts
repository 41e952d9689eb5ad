import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution, health, rating, toolkit } from '@toolweaver/analytics-testkit';

/** Events that between them move every metric that is made of events. */
export function everyKind(): AnalyticsEvent[] {
  const cost = { nanoUsd: 250_000_000, source: 'provider' } as const;
  const usage = { inputTokens: 100, cacheReadTokens: 20, cacheWriteTokens: 3, outputTokens: 40, reasoningTokens: 5 };
  return [
    ...[20, 40, 90].map((latencyMs) => execution({ name: 'parse', latencyMs })),
    execution({ name: 'parse', success: false, latencyMs: 450, error: { type: 'TypeError' } }),
    execution({ name: 'render', latencyMs: 3000 }),
    execution({ kind: 'tool', name: 'search', toolkit: 'web', latencyMs: 120, cacheHit: true, cost }),
    execution({
      kind: 'tool',
      name: 'search',
      toolkit: 'web',
      success: false,
      latencyMs: 80,
      error: { type: 'TimeoutError' },
    }),
    execution({ kind: 'llm', name: 'sonnet', model: 'sonnet', provider: 'anthropic', latencyMs: 900, usage, cost }),
    execution({
      kind: 'llm',
      name: 'sonnet',
      model: 'sonnet',
      provider: 'anthropic',
      success: false,
      latencyMs: undefined,
    }),
    execution({ kind: 'agent', name: 'planner', latencyMs: 5000 }),
    rating({ skillId: 'parse', rating: 5 }),
    health({ skillId: 'parse', score: 87.5 }),
    toolkit({ toolkit: 'web' }),
  ];
}
