import type { Problem, Usage } from '@toolweaver/analytics-core';
import { describeValue, unknownOptions } from '@toolweaver/analytics-core/backend';
import { type Fields, isFields } from './fields.ts';

/** US dollars for so many tokens of each class. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  /** Without it, a call that read from a cache has no known cost. */
  readonly cacheRead?: number | undefined;
  /** Without it, a call that wrote to a cache has no known cost. */
  readonly cacheWrite?: number | undefined;
  /** Default: as `output`. */
  readonly reasoning?: number | undefined;
}

/** A price of your own, of a model that the table does not know, or in the place of the table's. */
export interface ModelPrice {
  /** As calls name it, in any case; `*` at the end stands for anything. The longest name that fits wins. */
  readonly model: string;
  /** Only for calls that name this provider; `openai` is also meant by the AI SDK's `openai.responses`. Default: for any. */
  readonly provider?: string | undefined;
  /** Since when: a date (`2026-03-01`, from midnight UTC) or a time of ISO 8601 with its zone. Default: always. */
  readonly from?: string | undefined;
  /** Exactly one of the two. */
  readonly usdPer1K?: Rates | undefined;
  readonly usdPer1M?: Rates | undefined;
}

/** A `ModelPrice` that is checked and ready to be used. Names are in lower case. */
export interface OwnPrice {
  readonly name: string;
  /** Whether the name is only how names begin. */
  readonly isPrefix: boolean;
  readonly provider: string | undefined;
  /** Unix time in ms. */
  readonly from: number;
  readonly rates: Readonly<Record<keyof Usage, bigint | undefined>>;
}

/** 10⁻¹⁸ USD: a price of a token that has up to 12 decimals for a million of them is whole in it. */
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

/** Notes what is wrong; undefined then. */
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

/** `scale`: for how many times fewer tokens than a million the price is. */
export function toRate(usd: number, scale: bigint): bigint {
  return BigInt(usd.toFixed(decimals).replace('.', '')) * scale;
}

export function normalName(name: string): string {
  return name.trim().toLowerCase();
}

/** A provider as calls name it, and without what the AI SDK adds of how it is spoken with: `xai.chat`. */
export function providerNames(provider: string): readonly [string, string] {
  const name = normalName(provider);
  return [name, name.split('.')[0] as string];
}

const timePattern = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

function parseTime(from: unknown): number {
  const [text, day] = timePattern.exec(typeof from === 'string' ? from : '') ?? [];
  // `Date.parse` takes the 30th of February for a day of March.
  const isDay = day !== undefined && new Date(day).getUTCDate() === Number(day.slice(8));
  return isDay ? Date.parse(text as string) : Number.NaN;
}

/** Whole nano-dollars, rounded once at the end; or which class of tokens has no price. */
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

/** Those that hold first: exact names, then longer ones, those of a provider (by its whole name first), and later ones. */
export function inOrderOfPrecedence(one: OwnPrice, other: OwnPrice): number {
  return (
    Number(one.isPrefix) - Number(other.isPrefix) ||
    other.name.length - one.name.length ||
    (other.provider?.length ?? 0) - (one.provider?.length ?? 0) ||
    (one.from < other.from ? 1 : one.from > other.from ? -1 : 0)
  );
}
