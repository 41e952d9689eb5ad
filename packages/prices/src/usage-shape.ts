import type { Usage } from '@toolweaver/analytics-core';
import type { Counts } from './counts.ts';
import type { Fields } from './fields.ts';

/** How to read a usage object of one form. */
export type Shape = (counts: Counts, usage: Fields) => Usage;

type Name = readonly string[];
/** All names that a count may have; the first is said where it lacks. */
type Names = readonly [Name, ...Name[]];

interface InclusiveNames {
  readonly input: Names;
  readonly inputMayLack?: boolean;
  readonly output: Names;
  readonly outputMayLack?: boolean;
  readonly cached?: Names;
  readonly written?: Names;
  readonly reasoning?: Names;
  readonly total?: Name;
  /** Input without cached and written tokens. */
  readonly uncached?: Name;
  /** Output without reasoning tokens. */
  readonly text?: Name;
}

/** Input includes cached and written tokens, and output includes reasoning tokens, unless the total says otherwise. */
export function inclusive({
  inputMayLack = false,
  outputMayLack = false,
  total,
  uncached,
  text,
  ...names
}: InclusiveNames): Shape {
  return (counts) => {
    const input = countOfAny(counts, names.input) ?? (inputMayLack ? 0 : counts.required(...names.input[0]));
    const output = countOfAny(counts, names.output) ?? (outputMayLack ? 0 : counts.required(...names.output[0]));
    const cached = countOfAny(counts, names.cached ?? []) ?? 0;
    const written = countOfAny(counts, names.written ?? []) ?? 0;
    const reasoning = countOfAny(counts, names.reasoning ?? []) ?? 0;
    const usage = {
      inputTokens: counts.rest(input, [cached, written], ...names.input[0]),
      cacheReadTokens: cached,
      cacheWriteTokens: written,
      outputTokens: outputOf(counts, { input, output, reasoning }, names.output[0], total),
      reasoningTokens: reasoning,
    };
    for (const [name, count] of [
      [uncached, usage.inputTokens],
      [text, usage.outputTokens],
    ] as const) {
      if (name !== undefined) {
        counts.sum(counts.given(...name), [count], ...name);
      }
    }
    return usage;
  };
}

/** Returns the count, which has to be the same under each name that it has; undefined if it has none. */
export function countOfAny(counts: Counts, names: readonly Name[]): number | undefined {
  const said = names.map((name) => counts.given(...name));
  const count = said.find((one) => one !== undefined);
  for (const [at, name] of names.entries()) {
    counts.sum(said[at], [count ?? 0], ...name);
  }
  return count;
}

interface Sums {
  readonly input: number;
  readonly output: number;
  readonly reasoning: number;
}

/** Returns the output without reasoning tokens. Where the total says that these are counted separately, subtracts nothing. */
export function outputOf(counts: Counts, { input, output, reasoning }: Sums, name: Name, totalName: Name = []): number {
  const total = totalName.length === 0 ? undefined : counts.given(...totalName);
  if (reasoning > 0 && total === input + output + reasoning) {
    return output;
  }
  counts.sum(total, [input + output], ...totalName);
  return counts.rest(output, [reasoning], ...name);
}
