import type { ErrorInfo, SkillExecutionInput, ToolInvocationInput } from '@toolweaver/analytics-core';

/** An execution as a program records it, with the fields for which the table by hand has columns. */
export interface SkillExecution extends SkillExecutionInput {
  readonly error?: ErrorInfo | undefined;
}

export interface Workload {
  readonly name: string;
  /** Whether executions carry a model, its tokens and their cost. */
  readonly tokens: boolean;
  /** Returns the item at an index of an endless list, which repeats the same 65 536. */
  at(index: number): SkillExecution;
}

/** The number of distinct executions. After recording as many, every series exists. */
export const distinct = 65_536;

/**
 * Executions of 200 skills by 5000 users, some far more often than others; one in twenty fails. The same ones every time.
 * Equal names are the same string, as from literals or settings. Each execution is made on demand, as in a program that has
 * just executed something: thousands made in advance would have to be fetched from memory.
 */
export function workload({ orgs, tokens }: { readonly orgs: boolean; readonly tokens: boolean }): Workload {
  const { skill, user, org, success, latencyMs, inputTokens, outputTokens, usd } = executionColumns();
  const name = `200 skills${orgs ? ', 50 organisations' : ''}${tokens ? ', tokens and cost' : ''}`;
  const lean = (place: number): SkillExecution => ({
    skillId: skill(place),
    userId: user(place),
    orgId: orgs ? org(place) : undefined,
    success: success(place),
    latencyMs: latencyMs(place),
    error: success(place) ? undefined : { ...timeout },
  });
  const full = (place: number): SkillExecution => ({
    ...lean(place),
    model: 'large-2',
    usage: { inputTokens: inputTokens(place), outputTokens: outputTokens(place) },
    cost: { usd: usd(place) },
  });
  return { name, tokens, at: (index) => (tokens ? full : lean)(index % distinct) };
}

const timeout = { type: 'TimeoutError', message: 'no answer within 30 seconds' } as const;

/** The fields of the executions, as columns. */
function executionColumns() {
  const random = randomSource(1);
  const chosen = <T extends string>(values: readonly T[], exponent: number) => {
    const at = new Uint16Array(distinct);
    const choose = zipf(
      values.map((_, number) => number),
      exponent,
      random,
    );
    return {
      set(place: number): void {
        at[place] = choose();
      },
      get: (place: number) => values[at[place] as number] as T,
    };
  };
  const numbers = (make: () => number) => {
    const values = new Float64Array(distinct);
    return {
      set(place: number): void {
        values[place] = make();
      },
      get: (place: number) => values[place] as number,
    };
  };
  const columns = {
    skill: chosen(names('skill', 200), 1),
    user: chosen(names('user', 5_000), 0.7),
    org: chosen(names('org', 50), 0),
    failure: numbers(() => (random() < 0.05 ? 1 : 0)),
    latencyMs: numbers(() => logNormal(120, random)),
    inputTokens: numbers(() => Math.floor(200 + random() * 4000)),
    outputTokens: numbers(() => Math.floor(20 + random() * 800)),
    usd: numbers(() => Math.round(random() * 20_000) / 1e6),
  };
  for (let place = 0; place < distinct; place += 1) {
    for (const { set } of Object.values(columns)) {
      set(place);
    }
  }
  return {
    skill: columns.skill.get,
    user: columns.user.get,
    org: columns.org.get,
    success: (place: number): boolean => columns.failure.get(place) === 0,
    latencyMs: columns.latencyMs.get,
    inputTokens: columns.inputTokens.get,
    outputTokens: columns.outputTokens.get,
    usd: columns.usd.get,
  };
}

/** A tool call with the fields that every call has here. */
export interface ToolCall extends ToolInvocationInput {
  readonly toolkit: string;
  readonly orgId?: string | undefined;
  readonly latencyMs: number;
  readonly error?: { readonly type: string } | undefined;
  readonly cost: { readonly usd: number };
}

export interface ToolWorkload {
  readonly name: string;
  /** Returns the item at an index of an endless list, which repeats the same 65 536. */
  at(index: number): ToolCall;
}

/** The same executions as tool calls with a cost. Each updates three counters and a histogram. */
export function toolWorkload({ orgs }: { readonly orgs: boolean }): ToolWorkload {
  const { skill, user, org, success, latencyMs, usd } = executionColumns();
  return {
    name: `200 tools${orgs ? ', 50 organisations' : ''}`,
    at(index) {
      const place = index % distinct;
      return {
        toolName: skill(place),
        toolkit: 'bench',
        userId: user(place),
        orgId: orgs ? org(place) : undefined,
        success: success(place),
        latencyMs: latencyMs(place),
        error: success(place) ? undefined : { ...timeout },
        cost: { usd: usd(place) },
      };
    },
  };
}

export function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, number) => `${prefix}_${number}`);
}

/** A duration in ms, to the µs. Half of them exceed the median, and one in a hundred is ten times as long. */
export function logNormal(median: number, random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.round(median * Math.exp(normal) * 1000) / 1000;
}

/** Returns a function that picks values, the one of rank r with a frequency proportional to r to the power of -exponent. */
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

/** Returns random numbers 0 <= x < 1 by mulberry32, which is small and good enough to make choices. */
export function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
