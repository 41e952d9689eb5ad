import type { PriceQuestion, Usage } from '@toolweaver/analytics-core';
import { memoized } from './memo.ts';
import { normalName } from './model-price.ts';

// The price table of `@pydantic/genai-prices`, which comes with the package: nothing here uses the network.

/** Nano-dollars, or why there are none. */
export type TableAnswer = number | { readonly reason: string };

export interface Table {
  price(question: PriceQuestion): TableAnswer;
}

/** Models that are in use at once; finding one in the table takes many times as long as pricing a call. */
const maxModels = 500;

type Package = typeof import('@pydantic/genai-prices');
type Found = NonNullable<ReturnType<Package['calcPrice']>>;
/** Where a model was found, and under which name; or why it was not. */
type Entry = (Pick<Found, 'provider'> & { readonly name: string }) | { readonly reason: string };

/** Names of OpenTelemetry's conventions that the table does not know. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['x_ai', 'x-ai'],
  ['gcp.gen_ai', 'google'],
  ['azure.ai.inference', 'azure'],
]);

/** Loads the table, which takes some ms and some MB. `providers`: what calls name them → what the table does. */
export async function loadTable(providers: ReadonlyMap<string, string>): Promise<Table> {
  const { calcPrice, findProvider } = await import('@pydantic/genai-prices');

  function find(model: string, provider: string | undefined): Entry {
    const none = { input_tokens: 0, output_tokens: 0 };
    const look = (name: string, providerId: string | undefined): Entry | undefined => {
      const found = calcPrice(none, name, providerId === undefined ? {} : { providerId });
      // A provider of one model: it is found at once.
      return found === null ? undefined : { name, provider: { ...found.provider, models: [found.model] } };
    };
    if (provider !== undefined) {
      const given = normalName(provider);
      // The AI SDK adds what is spoken with the provider: `xai.chat`.
      const names = [providers.get(given) ?? otherNames.get(given) ?? given, given.split('.')[0] as string];
      const known = names.find((providerId) => findProvider({ providerId }) !== undefined);
      if (known === undefined) {
        return {
          reason: `the provider ${provider} is in no price list: name it in \`providers\`, or give a price of your own`,
        };
      }
      return look(model, known) ?? unknown(`${provider} has no model ${model} in the price list`);
    }
    const [, prefix, rest] = /^([\w.-]+)[/:](.+)$/.exec(model) ?? [];
    const named = prefix !== undefined && rest !== undefined && findProvider({ providerId: prefix }) !== undefined;
    return (
      look(model, undefined) ??
      (named ? look(rest, prefix) : undefined) ??
      unknown(`the model ${model} is in no price list, or only with its provider`)
    );
  }

  const entries = memoized(maxModels, (name): Entry => {
    const [model, provider] = JSON.parse(name) as [string, string | null];
    return find(model, provider ?? undefined);
  });

  return {
    price({ model, provider, usage, at }) {
      const entry = entries(JSON.stringify([model, provider ?? null]));
      if ('reason' in entry) {
        return entry;
      }
      try {
        const options = { provider: entry.provider, timestamp: new Date(at) };
        const found = calcPrice(toTableUsage(usage), entry.name, options);
        return found === null ? unknown(`the model ${model} is in no price list`) : toAnswer(found, usage);
      } catch (thrown) {
        return { reason: `its price cannot be applied: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
      }
    },
  };
}

function unknown(what: string): { readonly reason: string } {
  return { reason: `${what}: give a price of your own` };
}

/** The table counts what was cached and reasoned in. */
export function toTableUsage(usage: Usage): Record<string, number> {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  return {
    input_tokens: inputTokens + cacheReadTokens + cacheWriteTokens,
    cache_read_tokens: cacheReadTokens,
    cache_write_tokens: cacheWriteTokens,
    output_tokens: outputTokens + reasoningTokens,
    output_reasoning_tokens: reasoningTokens,
  };
}

/** The table takes tokens without a price for free; nobody else does. */
function toAnswer({ total_price, model_price, model }: Found, usage: Usage): TableAnswer {
  const input = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  const output = usage.outputTokens + usage.reasoningTokens;
  const isPriced = (name: string): boolean => (model_price as Readonly<Record<string, unknown>>)[name] !== undefined;
  const hasHole = (input > 0 && !isPriced('input_mtok')) || (output > 0 && !isPriced('output_mtok'));
  if (hasHole && !model.id.endsWith(':free')) {
    return unknown('its price in the list says nothing of some of these tokens');
  }
  return Math.round(total_price * 1e9);
}
