import type { PriceProvider, Problem } from '@toolweaver/analytics-core';
import {
  configError,
  createOptionChecks,
  type OptionChecks,
  type OptionNames,
} from '@toolweaver/analytics-core/backend';
import { isFields } from './fields.ts';
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

const optionNames: OptionNames<PricesOptions> = { models: true, providers: true, table: true };

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
  const check = createOptionChecks((field, message) => problems.push({ field, message }));
  const { own, providers, table: wantsTable } = resolveOptions(check, options);
  const table = wantsTable ? await loadTable(check, providers) : undefined;
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

function resolveOptions(check: OptionChecks, options: PricesOptions): ResolvedOptions {
  const { models = [], providers = {}, table } = check.group('', options, optionNames);
  const areNames =
    isFields(providers) && Object.values(providers).every((name) => typeof name === 'string' && name.trim() !== '');
  if (!areNames) {
    check.problem('providers', 'must be an object whose values are names of providers');
  }
  return {
    own: check.expect('models', models, Array.isArray(models), 'a list of prices') ? toOwnPrices(check, models) : [],
    providers: new Map((areNames ? Object.entries(providers) : []).map(([given, name]) => [normalName(given), name])),
    table: check.flag('table', table) ?? true,
  };
}

function toOwnPrices(check: OptionChecks, models: readonly ModelPrice[]): OwnPrice[] {
  const fields = new Map<string, string>();
  const prices = models.flatMap((model, at) => {
    const field = `models[${at}]`;
    const price = toOwnPrice(check, field, model);
    if (price === undefined || Number.isNaN(price.from)) {
      return [];
    }
    const { name, isPrefix, provider, from } = price;
    const held = JSON.stringify([name, isPrefix, provider, from]);
    const first = fields.get(held);
    if (first !== undefined) {
      check.problem(field, `must differ from ${first} in its model, provider or from: one would never hold`);
    }
    fields.set(held, field);
    return [price];
  });
  return prices.sort(inOrderOfPrecedence);
}
