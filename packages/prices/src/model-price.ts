import type { Problem, Usage } from '@toolweaver/analytics-core';
import { describeValue, unknownOptions } from '@toolweaver/analytics-core/backend';
import { type Fields, isFields } from './fields.ts';

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
const priceNames = {
  model: true,
  provider: true,
  from: true,
  usdPer1K: true,
  usdPer1M: true,
} as const satisfies Record<keyof ModelPrice, true>;
const rateNames = {
  input: true,
  output: true,
  cacheRead: true,
  cacheWrite: true,
  reasoning: true,
} as const satisfies Record<keyof Rates, true>;

/** Adds what is wrong to `problems`, and then returns undefined. */
export function toOwnPrice(given: unknown, field: string, problems: Problem[]): OwnPrice | undefined {
  const before = problems.length;
  const wrong = (name: string, message: string): undefined => {
    problems.push({ field: name === '' ? field : `${field}.${name}`, message });
  };
  problems.push(...unknownOptions(given, priceNames, field));
  if (!isFields(given)) {
    return undefined;
  }
  const { model, provider, from, usdPer1K, usdPer1M } = given;
  if (typeof model !== 'string' || model.trim() === '') {
    wrong('model', `must be a name that is not blank, got ${describeValue(model)}`);
  } else if (/\*./.test(model.trim())) {
    wrong('model', `may have * at its end only, got ${describeValue(model)}`);
  }
  if (provider !== undefined && (typeof provider !== 'string' || provider.trim() === '')) {
    wrong('provider', `must be a name that is not blank, got ${describeValue(provider)}`);
  }
  const since = from === undefined ? Number.NEGATIVE_INFINITY : parseTime(from);
  if (Number.isNaN(since)) {
    wrong('from', `must be a date such as 2026-03-01, or a time with its zone, got ${describeValue(from)}`);
  }
  if ((usdPer1K === undefined) === (usdPer1M === undefined)) {
    wrong('', 'must have usdPer1K or usdPer1M, and not both');
  }
  const [perName, per, scale] = usdPer1K === undefined ? ['usdPer1M', usdPer1M, 1n] : ['usdPer1K', usdPer1K, 1000n];
  problems.push(...(per === undefined ? [] : unknownOptions(per, rateNames, `${field}.${perName}`)));
  const rates = isFields(per) ? toRates(per, perName as string, scale as bigint, wrong) : undefined;
  if (problems.length > before || rates === undefined) {
    return undefined;
  }
  const name = normalName(String(model));
  const isPrefix = name.endsWith('*');
  return {
    name: isPrefix ? name.slice(0, -1) : name,
    isPrefix,
    provider: provider === undefined ? undefined : normalName(String(provider)),
    from: since,
    rates,
  };
}

function toRates(
  given: Fields,
  field: string,
  scale: bigint,
  wrong: (name: string, message: string) => undefined,
): OwnPrice['rates'] {
  const rate = (name: keyof Rates): bigint | undefined => {
    const usd = given[name];
    if (usd === undefined && name !== 'input' && name !== 'output') {
      return undefined;
    }
    return typeof usd === 'number' && usd >= 0 && usd <= maxUsd && (usd === 0 || toRate(usd, scale) > 0n)
      ? toRate(usd, scale)
      : wrong(
          `${field}.${name}`,
          `must be 0, or US dollars from 1e-${decimals} to ${maxUsd}, got ${describeValue(usd)}`,
        );
  };
  const output = rate('output');
  return {
    inputTokens: rate('input'),
    cacheReadTokens: rate('cacheRead'),
    cacheWriteTokens: rate('cacheWrite'),
    outputTokens: output,
    reasoningTokens: rate('reasoning') ?? output,
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
