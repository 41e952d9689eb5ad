import type { PriceProvider, Problem } from '@toolweaver/analytics-core';
import { configError, describeValue, unknownOptions } from '@toolweaver/analytics-core/backend';
import { type Fields, isFields } from './fields.ts';
import { memoized } from './memo.ts';
import {
  costOf,
  inOrderOfPrecedence,
  type ModelPrice,
  normalName,
  type OwnPrice,
  providerNames,
  toOwnPrice,
} from './model-price.ts';
import { loadTable } from './table.ts';
import { createUnpriced, type UnpricedModel } from './unpriced.ts';

/** Where `createPrices` takes prices from: your own first, then the table. */
export interface PricesOptions {
  /** Prices of your own, for models that the table does not know or that cost you something else. They win over the table. */
  readonly models?: readonly ModelPrice[] | undefined;
  /** Maps providers as your calls name them to their names in the table: `{ 'our-gateway': 'openai' }`. */
  readonly providers?: Readonly<Record<string, string>> | undefined;
  /** `false` leaves out the table, so that only your own prices are known. Default: true. */
  readonly table?: boolean | undefined;
}

const optionNames = { models: true, providers: true, table: true } as const satisfies Record<keyof PricesOptions, true>;

/** The `prices` option of a client. Answers come from memory, never over the network. */
export interface Prices extends PriceProvider {
  /** Returns the models of calls that could not be priced, most calls first. Their costs are missing from every sum. */
  unpricedModels(): readonly UnpricedModel[];
}

const maxNames = 500;

/**
 * Creates a source of prices for LLM calls: your own (`override`), otherwise those of the table that comes with
 * `@pydantic/genai-prices` (`computed`), as valid at the time of the call. Everything is loaded when it resolves.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export async function createPrices(options: PricesOptions = {}): Promise<Prices> {
  const problems: Problem[] = [];
  const { own, providers, table: wantsTable } = resolveOptions(options, problems);
  const table = wantsTable ? await loadTable(providers, problems) : undefined;
  if (problems.length > 0) {
    throw configError(problems);
  }
  const unpriced = createUnpriced();
  const ownFor = memoized(maxNames, (key): readonly OwnPrice[] => {
    const [model, provider] = JSON.parse(key) as [string, string | null];
    const named: readonly string[] = provider === null ? [] : providerNames(provider);
    return own.filter(
      (price) =>
        (price.isPrefix ? model.startsWith(price.name) : model === price.name) &&
        (price.provider === undefined || named.includes(price.provider)),
    );
  });

  return {
    price(question) {
      const { model, provider, usage, at } = question;
      const name = JSON.stringify([normalName(model), provider === undefined ? null : normalName(provider)]);
      const mine = own.length === 0 ? undefined : ownFor(name).find(({ from }) => from <= at);
      if (mine !== undefined) {
        const cost = costOf(usage, mine);
        if (typeof cost === 'number' && Number.isSafeInteger(cost)) {
          return { nanoUsd: cost, source: 'override' };
        }
        const what =
          typeof cost === 'number' ? 'makes it more than can be counted' : `has no ${cost}, which the call used`;
        unpriced.add(question, `your price of ${mine.name} ${what}`);
        return undefined;
      }
      const answer = table?.price(question) ?? { reason: 'it has no price of your own, and the table is off' };
      if (typeof answer === 'number' && Number.isSafeInteger(answer)) {
        return { nanoUsd: answer, source: 'computed' };
      }
      unpriced.add(question, typeof answer === 'number' ? 'it costs more than can be counted' : answer.reason);
      return undefined;
    },
    unpricedModels: () => unpriced.list(),
  };
}

interface ResolvedOptions {
  readonly own: readonly OwnPrice[];
  readonly providers: ReadonlyMap<string, string>;
  readonly table: boolean;
}

/** Adds what is wrong to `problems`. */
function resolveOptions(options: unknown, problems: Problem[]): ResolvedOptions {
  problems.push(...unknownOptions(options, optionNames));
  const { models = [], providers = {}, table = true } = Object(options) as Fields;
  if (!Array.isArray(models)) {
    problems.push({ field: 'models', message: `must be a list of prices, got ${describeValue(models)}` });
  }
  const fields = new Map<string, string>();
  const own = (Array.isArray(models) ? models : []).flatMap((model, at) => {
    const field = `models[${at}]`;
    const price = toOwnPrice(model, field, problems);
    if (price === undefined) {
      return [];
    }
    const { name, isPrefix, provider, from } = price;
    const held = JSON.stringify([name, isPrefix, provider, from]);
    const first = fields.get(held);
    if (first !== undefined) {
      problems.push({
        field,
        message: `must differ from ${first} in its model, provider or from: one would never hold`,
      });
    }
    fields.set(held, field);
    return [price];
  });
  const names = isFields(providers) ? Object.entries(providers) : [];
  const areNames = isFields(providers) && names.every(([, name]) => typeof name === 'string' && name.trim() !== '');
  if (!areNames) {
    problems.push({ field: 'providers', message: 'must be an object whose values are names of providers' });
  }
  if (typeof table !== 'boolean') {
    problems.push({ field: 'table', message: `must be true or false, got ${describeValue(table)}` });
  }
  return {
    own: own.sort(inOrderOfPrecedence),
    providers: new Map((areNames ? names : []).map(([given, name]) => [normalName(given), String(name)])),
    table: table === true,
  };
}
