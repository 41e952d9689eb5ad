import type { SkillExecutionInput, ToolInvocationInput } from '@toolweaver/analytics-core';

export interface Workload {
  readonly name: string;
  /** Whether executions carry a model, its tokens and their cost. */
  readonly tokens: boolean;
  /** Endless: the same 65 536 again and again. */
  at(index: number): SkillExecutionInput;
}

const distinct = 65_536;

/**
 * Executions of 200 skills by 5000 users, some far more often than others; one in twenty fails. The same ones every time.
 * Equal names are one string, as where they come from literals or settings.
 */
export function workload({ orgs, tokens }: { readonly orgs: boolean; readonly tokens: boolean }): Workload {
  const random = randomSource(1);
  const skill = zipf(names('skill', 200), 1, random);
  const user = zipf(names('user', 5_000), 0.7, random);
  const org = zipf(names('org', 50), 0, random);
  const executions = Array.from({ length: distinct }, (): SkillExecutionInput => {
    const success = random() >= 0.05;
    return {
      skillId: skill(),
      userId: user(),
      orgId: orgs ? org() : undefined,
      success,
      latencyMs: logNormal(120, random),
      error: success ? undefined : { type: 'TimeoutError', message: 'no answer within 30 seconds' },
      ...(tokens && {
        model: 'large-2',
        usage: { inputTokens: Math.floor(200 + random() * 4000), outputTokens: Math.floor(20 + random() * 800) },
        cost: { usd: Math.round(random() * 20_000) / 1e6 },
      }),
    };
  });
  return {
    name: `200 skills${orgs ? ', 50 organisations' : ''}${tokens ? ', tokens and cost' : ''}`,
    tokens,
    at: (index) => executions[index % distinct] as SkillExecutionInput,
  };
}

/** What is known of every call of a tool here. */
export interface ToolCall extends ToolInvocationInput {
  readonly toolkit: string;
  readonly orgId?: string | undefined;
  readonly latencyMs: number;
  readonly error?: { readonly type: string } | undefined;
  readonly cost: { readonly usd: number };
}

export interface ToolWorkload {
  readonly name: string;
  /** Endless: the same 65 536 again and again. */
  at(index: number): ToolCall;
}

/** The same executions as calls of tools that cost something: each counts in three counters and a histogram. */
export function toolWorkload({ orgs }: { readonly orgs: boolean }): ToolWorkload {
  const { at } = workload({ orgs, tokens: true });
  const calls = Array.from({ length: distinct }, (_, index): ToolCall => {
    const { skillId, userId, orgId, success, latencyMs, error, cost } = at(index);
    return {
      toolName: skillId,
      toolkit: 'bench',
      userId,
      orgId: orgId ?? undefined,
      success,
      latencyMs: latencyMs as number,
      error: error ?? undefined,
      cost: { usd: cost?.usd as number },
    };
  });
  return {
    name: `200 tools${orgs ? ', 50 organisations' : ''}`,
    at: (index) => calls[index % distinct] as ToolCall,
  };
}

export function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, number) => `${prefix}_${number}`);
}

/** In ms, to the µs: half of them are longer than the median, one in a hundred ten times as long. */
export function logNormal(median: number, random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.round(median * Math.exp(normal) * 1000) / 1000;
}

/** Chooses among the values; the one of rank r is as frequent as r to the power of -exponent. */
export function zipf<T>(values: readonly T[], exponent: number, random: () => number): () => T {
  let total = 0;
  const sums = Float64Array.from(values, (_, rank) => {
    total += (rank + 1) ** -exponent;
    return total;
  });
  return () => {
    const wanted = random() * total;
    let low = 0;
    let high = values.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) > wanted) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return values[low] as T;
  };
}

/** 0 <= x < 1, by mulberry32: small, and good enough to choose with. */
export function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
