import type { PriceQuestion } from '@toolweaver/analytics-core';
import { totalTokens } from '@toolweaver/analytics-core/backend';

/** A model with calls whose cost is unknown. */
export interface UnpricedModel {
  readonly model: string;
  /** Null where the calls name none. */
  readonly provider: string | null;
  /** Why the latest call has no price, and what to do about it. */
  readonly reason: string;
  readonly calls: number;
  readonly tokens: number;
  /** Unix times in ms. */
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface Unpriced {
  add(question: PriceQuestion, reason: string): void;
  /** Most calls first, then by name. */
  list(): readonly UnpricedModel[];
}

/** Bounds the memory, as names come from outside; further models count as one. */
const maxModels = 1000;
const others = '(others)';

export function createUnpriced(): Unpriced {
  const models = new Map<string, { -readonly [K in keyof UnpricedModel]: UnpricedModel[K] }>();
  return {
    add({ model: given, provider: givenProvider, usage, at }, reason) {
      const name = JSON.stringify([given, givenProvider]);
      const isFull = models.size >= maxModels && !models.has(name);
      const [key, model, provider] = isFull ? [others, others, null] : [name, given, givenProvider ?? null];
      const tokens = totalTokens(usage);
      const found = models.get(key);
      if (found === undefined) {
        models.set(key, { model, provider, reason, calls: 1, tokens, firstAt: at, lastAt: at });
        return;
      }
      found.reason = reason;
      found.calls += 1;
      found.tokens += tokens;
      found.firstAt = Math.min(found.firstAt, at);
      found.lastAt = Math.max(found.lastAt, at);
    },
    list: () =>
      Array.from(models.values(), (model) => ({ ...model })).sort(
        (one, other) => other.calls - one.calls || (one.model < other.model ? -1 : 1),
      ),
  };
}
