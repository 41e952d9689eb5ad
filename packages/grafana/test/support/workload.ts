import { type Analytics, type Backend, createAnalytics } from '@toolweaver/analytics-core';
import { type Cells, createCells } from '@toolweaver/analytics-metrics';

/** A program that records, and what it has come to. */
export interface Workload {
  readonly cells: Cells;
  /** What happens until the next scrape. */
  step(trouble: Trouble): void;
  close(): Promise<void>;
}

/** `spike`: beside all that is always wrong in times of trouble, a tool begins to fail, and caches to miss. */
export type Trouble = 'none' | 'some' | 'spike';

export const stepSeconds = 30;

const skills = ['summarize', 'translate', 'extract_invoice', 'classify_ticket', 'write_reply', 'review_code'];
const tools = [
  { toolName: 'web_search', toolkit: 'SerperToolkit', costUsd: 0.001 },
  { toolName: 'read_file', toolkit: 'FileToolkit', costUsd: 0 },
  { toolName: 'run_python', toolkit: 'E2BToolkit', costUsd: 0.0004 },
];
const models = [
  { model: 'large', provider: 'acme', usdPerToken: 5e-6, latencyMs: 2400 },
  { model: 'small', provider: 'acme', usdPerToken: 0.4e-6, latencyMs: 700 },
  { model: 'local', provider: 'ollama', usdPerToken: 0, latencyMs: 1500 },
];
const errors = ['TimeoutError', 'RateLimitError', 'ValidationError'];

/** The same seed always makes the same workload. */
export function createWorkload({
  seed = 1,
  namespace,
}: {
  readonly seed?: number;
  readonly namespace?: string;
} = {}): Workload {
  const random = generator(seed);
  // As few as to overflow when skills get names that are never the same.
  const cells = createCells({ namespace, maxLabelSets: 30 });
  const backend: Backend = {
    name: 'prometheus',
    delivery: 'immediate',
    settings: {},
    write: (events) => events.forEach(cells.record),
    attach: cells.attach,
  };
  const analytics = createAnalytics({ backends: [backend], onError: () => {} });
  let steps = 0;
  return {
    cells,
    step(trouble) {
      steps += 1;
      act(analytics, random, trouble, steps);
    },
    close: async () => void (await analytics.close()),
  };
}

function act(analytics: Analytics, random: () => number, trouble: Trouble, step: number): void {
  const isBad = trouble !== 'none';
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  /** Log-normal about a median. */
  const around = (ms: number): number => ms * Math.exp(0.6 * normal(random));
  const outcome = (failureRatio: number): { success: boolean; error?: { type: string } } =>
    random() < failureRatio ? { success: false, error: { type: pick(errors) } } : { success: true };
  // Busier and quieter in turns of about an hour.
  const busy = 1 + 0.5 * Math.sin(step / 19);
  const times = (mean: number, once: () => void): void => {
    for (let left = mean * busy; left > random(); left -= 1) {
      once();
    }
  };

  times(0.15, () => {
    const { model, usdPerToken } = models[0] as (typeof models)[number];
    analytics.record({
      type: 'execution',
      kind: 'agent',
      name: 'planner',
      latencyMs: around(isBad ? 500_000 : 42_000),
      model,
      cost: { usd: isBad ? 9 : 4000 * usdPerToken },
      ...outcome(0.01),
    });
  });
  times(12, () => {
    const skillId = pick(skills);
    const isSlow = isBad && skillId === 'review_code';
    const fails = isBad && skillId === 'extract_invoice' ? 0.5 : 0.01;
    analytics.recordSkillExecution({ skillId, latencyMs: around(isSlow ? 25_000 : 350), ...outcome(fails) });
  });
  times(12, () => {
    const { toolName, toolkit, costUsd } = pick(tools);
    const isSlow = isBad && toolName === 'run_python';
    const fails = trouble === 'spike' && toolName === 'web_search' ? 0.7 : 0.02;
    analytics.recordToolInvocation({
      toolName,
      toolkit,
      latencyMs: around(isSlow ? 25_000 : 180),
      cacheHit: random() < (trouble === 'spike' && toolName === 'read_file' ? 0.05 : 0.7),
      cost: { usd: costUsd },
      ...outcome(fails),
    });
  });
  times(8, () => {
    const { model, provider, usdPerToken, latencyMs } = pick(models);
    const usage = {
      inputTokens: Math.round(around(900)),
      cacheReadTokens: Math.round(around(2400)),
      cacheWriteTokens: Math.round(around(120)),
      outputTokens: Math.round(around(260)),
      reasoningTokens: Math.round(around(90)),
    };
    const tokens = Object.values(usage).reduce((sum, count) => sum + count);
    analytics.recordLlmCall({
      name: 'chat',
      model,
      provider,
      latencyMs: around(isBad && model === 'large' ? 55_000 : latencyMs),
      usage,
      ...(usdPerToken > 0 && { cost: { usd: tokens * usdPerToken } }),
      ...outcome(0.015),
    });
  });
  times(2, () => {
    analytics.record({
      type: 'execution',
      kind: 'search',
      name: 'tool_search',
      latencyMs: around(35),
      ...outcome(0.005),
    });
  });
  times(6, () => {
    const fails = isBad ? 0.9 : 0.02;
    analytics.record({ type: 'execution', kind: 'operation', name: 'sync', latencyMs: around(900), ...outcome(fails) });
  });
  times(8, () => {
    const { toolkit } = pick(tools);
    const asked = trouble === 'spike' && toolkit === 'FileToolkit' ? 'cache_miss' : 'cache_hit';
    const operation = pick(['create', asked, asked, asked, 'cache_miss', 'cleanup'] as const);
    analytics.recordToolkitEvent({ toolkit, operation, durationMs: around(20), ...outcome(0.01) });
  });
  times(1, () => {
    analytics.recordSkillRating({ skillId: pick(skills), rating: pick([3, 4, 4, 5, 5]) });
  });
  for (const skillId of skills) {
    const score = isBad && skillId === 'extract_invoice' ? 41 : 88;
    analytics.updateHealthScore({ skillId, score: score + Math.round(4 * random()) });
  }
  if (isBad) {
    analytics.recordSkillExecution({ skillId: `made_up_${step}`, success: true });
    analytics.recordSkillExecution({ skillId: 'summarize', success: true, latencyMs: -1 });
  }
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Numbers from 0 to below 1, from a linear congruence. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
