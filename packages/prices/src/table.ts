import type { PriceQuestion, Usage } from '@toolweaver/analytics-core';
import { allInputTokens, type OptionChecks } from '@toolweaver/analytics-core/backend';
import { memoized } from './memo.ts';
import { costOf, providerNames } from './model-price.ts';
import { type Levels, ratesFor, type TablePrice, toLevels } from './table-rates.ts';

// The price table of `@pydantic/genai-prices`, which comes with the package: nothing here uses the network.

/** Why there is no price. */
interface None {
  readonly reason: string;
}

export interface Table {
  /** Returns nano-dollars, or why there is no price. */
  price(question: PriceQuestion): number | None;
}

type Package = typeof import('@pydantic/genai-prices');
type Found = NonNullable<ReturnType<Package['calcPrice']>>;

/** A model of the table. */
interface Entry {
  /** The name that it was found by. */
  readonly name: string;
  /** Its provider with only this model, so that the package finds it at once. */
  readonly provider: Found['provider'];
  /** Unix times in ms at which its price changes; undefined when it depends on the time of day. */
  readonly changes: readonly number[] | undefined;
  /** Its levels by the number of changes so far; undefined where the package must be asked each time. */
  readonly levels: Map<number, Levels | undefined>;
}

/** Models that are kept; finding one in the table takes many times as long as pricing a call. */
const maxModels = 500;

/** Provider names of OpenTelemetry's conventions and of the AI SDK that the table does not know. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['x_ai', 'x-ai'],
  ['gcp.gen_ai', 'google'],
  ['azure.ai.inference', 'azure'],
  ['togetherai', 'together'],
]);
/** The AI SDK's default provider; the names of its models include the real one. */
const gateway = 'gateway';
/**
 * As Ollama names what runs on a machine of one's own: `deepseek-r1:7b`, `phi4:latest`. The table has no such names, but finds some
 * by their beginning, and takes them for the large model that is sold.
 */
const localTag = /^[^:]+:(latest|[\d.]+(x[\d.]+)?[bmt](-.*)?)$/i;

/**
 * Loads the table, which takes some ms and some MB. `providers` maps names in calls to names in the table; names that the table
 * lacks are added to `problems`.
 */
export async function loadTable(check: OptionChecks, providers: ReadonlyMap<string, string>): Promise<Table> {
  const { calcPrice, findProvider } = await import('@pydantic/genai-prices');
  for (const [given, providerId] of providers) {
    if (findProvider({ providerId }) === undefined) {
      const message = `must be a provider of the price list, got ${JSON.stringify(providerId)}`;
      check.problem(`providers.${given}`, message);
    }
  }

  function look(name: string, providerId: string | undefined): Entry | undefined {
    const none = { input_tokens: 0, output_tokens: 0 };
    const found = calcPrice(none, name, providerId === undefined ? {} : { providerId });
    return found === null
      ? undefined
      : {
          name,
          provider: { ...found.provider, models: [found.model] },
          changes: changesOf(found.model.prices),
          levels: new Map(),
        };
  }

  /** Returns the table's name of a provider; undefined where it has none. */
  function nameInTable(given: string): string | undefined {
    const providerId = providers.get(given) ?? otherNames.get(given) ?? given;
    return findProvider({ providerId }) === undefined ? undefined : providerId;
  }

  function find(model: string, provider: string | undefined): Entry | None {
    if (provider === undefined) {
      return findByName(model);
    }
    const names = providerNames(provider);
    // Of a provider that is named in `providers`, nothing else is guessed.
    const known = (providers.has(names[0]) ? [names[0]] : names).map(nameInTable).filter((name) => name !== undefined);
    for (const name of known) {
      // The name that Gemini's API gives its models begins with `models/`.
      const found = look(model.replace(/^models\//, ''), name);
      if (found !== undefined) {
        return found;
      }
    }
    if (names.includes(gateway)) {
      return findByName(model);
    }
    return known.length === 0
      ? {
          reason: `the provider ${provider} is in no price list: name it in \`providers\`, or give a price of your own`,
        }
      : unknown(`${provider} has no model ${model} in the price list`);
  }

  /** Finds a model that is named without a provider, or with one in front, as in `openai/gpt-4o`. */
  function findByName(model: string): Entry | None {
    const [, prefix, rest] = /^([\w.-]+)[/:](.+)$/.exec(model) ?? [];
    const named = prefix !== undefined && rest !== undefined && findProvider({ providerId: prefix }) !== undefined;
    return (
      (localTag.test(model) ? undefined : look(model, undefined)) ??
      (named ? look(rest, prefix) : undefined) ??
      unknown(`the model ${model} is in no price list, or only with its provider`)
    );
  }

  const entries = memoized(maxModels, (name): Entry | None => {
    const [model, provider] = JSON.parse(name) as [string, string | null];
    return find(model, provider ?? undefined);
  });

  function ask({ name, provider }: Entry, usage: Usage, at: number): Found {
    return calcPrice(toTableUsage(usage), name, { provider, timestamp: new Date(at) }) as Found;
  }

  /** The levels of the price at that time; undefined where these cannot price every call. */
  function levelsAt(entry: Entry, usage: Usage, at: number): Levels | undefined {
    const { changes, levels } = entry;
    if (changes === undefined) {
      return undefined;
    }
    const count = changes.filter((time) => time <= at).length;
    if (!levels.has(count)) {
      levels.set(count, toLevels(ask(entry, usage, at).model_price as TablePrice));
    }
    return levels.get(count);
  }

  return {
    price({ model, provider, usage, at }) {
      const entry = entries(JSON.stringify([model, provider ?? null]));
      if ('reason' in entry) {
        return entry;
      }
      try {
        const levels = levelsAt(entry, usage, at);
        if (levels === undefined) {
          return Math.round(ask(entry, usage, at).total_price * 1e9);
        }
        const cost = costOf(usage, { rates: ratesFor(levels, usage) });
        return typeof cost === 'number' ? cost : ofHole(entry);
      } catch (thrown) {
        return { reason: `its price cannot be applied: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
      }
    },
  };
}

function unknown(what: string): None {
  return { reason: `${what}: give a price of your own` };
}

/** For tokens without a price. The package counts these as free, but only models that are called free do not charge for them. */
function ofHole({ provider }: Entry): number | None {
  return provider.models[0]?.id.endsWith(':free')
    ? 0
    : unknown('its price in the list says nothing of some of these tokens');
}

function changesOf(prices: Found['model']['prices']): readonly number[] | undefined {
  const constraints = Array.isArray(prices) ? prices.flatMap(({ constraint }) => constraint ?? []) : [];
  const times = constraints.flatMap((one) => (one.type === 'start_date' ? Date.parse(one.start_date) : []));
  return times.length === constraints.length ? times : undefined;
}

/** In the table, input includes cached tokens, and output includes reasoning tokens. */
export function toTableUsage(usage: Usage): Record<string, number> {
  const { cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  return {
    input_tokens: allInputTokens(usage),
    cache_read_tokens: cacheReadTokens,
    cache_write_tokens: cacheWriteTokens,
    output_tokens: outputTokens + reasoningTokens,
    output_reasoning_tokens: reasoningTokens,
  };
}
