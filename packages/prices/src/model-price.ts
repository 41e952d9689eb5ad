import type { Usage } from '@toolweaver/analytics-core';
import { describeValue, type OptionChecks, type OptionNames } from '@toolweaver/analytics-core/backend';
import { isFields } from './fields.ts';

/** US dollars for 1000 or a million tokens of each class. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  /** Without it, the cost of a call that read from a cache is unknown. */
  readonly cacheRead?: number | undefined;
  /** Without it, the cost of a call that wrote to a cache is unknown. */
  readonly cacheWrite?: number | undefined;
  /** Default: same as `output`. */
  readonly reasoning?: number | undefined;
}

/** A price of your own, for a model that the table does not know or in place of the table's price. */
export interface ModelPrice {
  /** Name in calls, case-insensitive; a final `*` stands for any ending. An exact name wins, then the longest that matches. */
  readonly model: string;
  /** Only for calls with this provider; `openai` also matches the AI SDK's `openai.responses`. Default: for all calls. */
  readonly provider?: string | undefined;
  /** Start of validity: a date (`2026-03-01`, from midnight UTC) or an ISO 8601 time with its zone. Default: always valid. */
  readonly from?: string | undefined;
  /** Give exactly one of `usdPer1K` and `usdPer1M`. */
  readonly usdPer1K?: Rates | undefined;
  readonly usdPer1M?: Rates | undefined;
}

/** A checked `ModelPrice`, ready to use. Names are in lower case. */
export interface OwnPrice {
  readonly name: string;
  /** Whether `name` only has to match the beginning. */
  readonly isPrefix: boolean;
  readonly provider: string | undefined;
  /** Unix time in ms. */
  readonly from: number;
  readonly rates: Readonly<Record<keyof Usage, bigint | undefined>>;
}

/** Decimals of a price per million tokens: rates are whole numbers of 10⁻¹⁸ USD per token. */
const decimals = 12;
const perNano = 10n ** 9n;
const maxUsd = 1_000_000;
const classes: Readonly<Record<keyof Usage, keyof Rates>> = {
  inputTokens: 'input',
  cacheReadTokens: 'cacheRead',
  cacheWriteTokens: 'cacheWrite',
  outputTokens: 'output',
  reasoningTokens: 'reasoning',
};
const priceNames: OptionNames<ModelPrice> = {
  model: true,
  provider: true,
  from: true,
  usdPer1K: true,
  usdPer1M: true,
};
const rateNames: OptionNames<Rates> = {
  input: true,
  output: true,
  cacheRead: true,
  cacheWrite: true,
  reasoning: true,
};

/** Returns undefined for what is no object. Otherwise, the result must not be used if there was a problem. */
export function toOwnPrice(check: OptionChecks, field: string, price: ModelPrice): OwnPrice | undefined {
  if (!check.expect(field, price, isFields(price), 'an object')) {
    return undefined;
  }
  const { model, provider, from, usdPer1K, usdPer1M } = check.group(field, price, priceNames);
  const name = normalName(check.required.text(`${field}.model`, model) ?? '');
  if (/\*./.test(name)) {
    check.problem(`${field}.model`, `may have * at its end only, got ${describeValue(model)}`);
  }
  const since = from === undefined ? Number.NEGATIVE_INFINITY : parseTime(from);
  check.expect(`${field}.from`, from, !Number.isNaN(since), 'a date such as 2026-03-01, or a time with its zone');
  if ((usdPer1K === undefined) === (usdPer1M === undefined)) {
    check.problem(field, 'must have usdPer1K or usdPer1M, and not both');
  }
  const isPrefix = name.endsWith('*');
  return {
    name: isPrefix ? name.slice(0, -1) : name,
    isPrefix,
    provider: normalName(check.text(`${field}.provider`, provider) ?? '') || undefined,
    from: since,
    rates:
      usdPer1K === undefined
        ? toRates(check, `${field}.usdPer1M`, usdPer1M, 1n)
        : toRates(check, `${field}.usdPer1K`, usdPer1K, 1000n),
  };
}

function toRates(check: OptionChecks, field: string, given: Rates | undefined, scale: bigint): OwnPrice['rates'] {
  const { input, output, cacheRead, cacheWrite, reasoning } = check.group(field, given, rateNames);
  function rate(name: keyof Rates, usd: unknown): bigint | undefined {
    if (usd === undefined && !(isFields(given) && (name === 'input' || name === 'output'))) {
      return undefined;
    }
    const isRight = typeof usd === 'number' && usd >= 0 && usd <= maxUsd && (usd === 0 || toRate(usd, scale) > 0n);
    const expected = `0, or US dollars from 1e-${decimals} to ${maxUsd}`;
    return check.expect(`${field}.${name}`, usd, isRight, expected) === undefined
      ? undefined
      : toRate(Number(usd), scale);
  }
  const outputRate = rate('output', output);
  return {
    inputTokens: rate('input', input),
    cacheReadTokens: rate('cacheRead', cacheRead),
    cacheWriteTokens: rate('cacheWrite', cacheWrite),
    outputTokens: outputRate,
    reasoningTokens: rate('reasoning', reasoning) ?? outputRate,
  };
}

/** `scale`: a million divided by the number of tokens that the price is for. */
export function toRate(usd: number, scale: bigint): bigint {
  return BigInt(usd.toFixed(decimals).replace('.', '')) * scale;
}

export function normalName(name: string): string {
  return name.trim().toLowerCase();
}

/** Returns the provider as calls name it, and without the API that the AI SDK appends, as in `xai.chat`. */
export function providerNames(provider: string): readonly [string, string] {
  const name = normalName(provider);
  return [name, name.split('.')[0] as string];
}

const timePattern = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

function parseTime(from: unknown): number {
  const [text, day] = timePattern.exec(typeof from === 'string' ? from : '') ?? [];
  // `Date.parse` takes 30 February for a day in March.
  const isDay = day !== undefined && new Date(day).getUTCDate() === Number(day.slice(8));
  return isDay ? Date.parse(text as string) : Number.NaN;
}

/** Returns whole nano-dollars, rounded once at the end, or the class of tokens that has no price. */
export function costOf(usage: Usage, { rates }: Pick<OwnPrice, 'rates'>): number | keyof Rates {
  let sum = perNano / 2n;
  for (const [name, rateName] of Object.entries(classes) as [keyof Usage, keyof Rates][]) {
    const tokens = usage[name];
    const rate = rates[name];
    if (tokens > 0) {
      if (rate === undefined) {
        return rateName;
      }
      sum += BigInt(tokens) * rate;
    }
  }
  return Number(sum / perNano);
}

/** Sorts by precedence: exact names, then longer ones, then those with a provider (whole name first), then later ones. */
export function inOrderOfPrecedence(one: OwnPrice, other: OwnPrice): number {
  return (
    Number(one.isPrefix) - Number(other.isPrefix) ||
    other.name.length - one.name.length ||
    (other.provider?.length ?? 0) - (one.provider?.length ?? 0) ||
    (one.from < other.from ? 1 : one.from > other.from ? -1 : 0)
  );
}
