import type { AnalyticsEvent, JsonValue } from '@toolweaver/analytics-core';
import { parseEvent } from '@toolweaver/analytics-core/backend';
import { artifact, execution, frozenCopy, health, metrics, rating, run, toolkit } from './events.ts';

const maxJsonBytes = 16 * 1024;
const maxJsonDepth = 100;
const maxArtifactBytes = 8 * 1024 * 1024;
/** Longer than any text may be: core cuts it. In UTF-8, each character has three bytes. */
const endless = '漢'.repeat(5000);
/** Numbers that are lost where a number is kept in single precision, with 15 digits or as a whole one. */
const precise: readonly number[] = [
  0.1 + 0.2,
  1_234_567.890_123_456_7,
  -1 / 3,
  Number.MAX_SAFE_INTEGER,
  -(2 ** 31) - 1,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
];

/** Returns the events as core lets them through, so that no law asks for more than what a backend may get. */
function throughCore(events: readonly AnalyticsEvent[]): AnalyticsEvent[] {
  return events.map((event) => frozenCopy(parseEvent(event)));
}

/** Events with numbers that are large or have many digits, and with the earliest and the latest time. */
export function extremeNumbers(): AnalyticsEvent[] {
  const attributes = { precise };
  return throughCore([
    execution({
      kind: 'llm',
      name: 'sonnet',
      model: 'sonnet',
      latencyMs: 2 ** 32 + 0.5,
      attempt: 1000,
      inputBytes: 2 ** 31,
      outputBytes: Number.MAX_SAFE_INTEGER,
      usage: {
        inputTokens: 40_000,
        cacheReadTokens: 2 ** 31,
        cacheWriteTokens: 2 ** 32 + 1,
        outputTokens: 2 ** 48 + 1,
        reasoningTokens: Number.MAX_SAFE_INTEGER,
      },
      attributes,
    }),
    execution({ latencyMs: 0.123456789012, at: Date.UTC(1970, 0, 2) }),
    execution({ latencyMs: 1 / 3, at: Date.UTC(2099, 11, 31, 23, 59, 59, 999) }),
    health({ score: 100 / 3 }),
    toolkit({ durationMs: 2 ** 31 + 1 / 3 }),
    metrics({ values: Object.fromEntries(precise.map((value, at) => [`value-${at}`, value])), step: 2 ** 40 }),
    run({ config: attributes, summary: attributes }),
  ]);
}

/** Events of all types in which every text is as long as it may be. */
export function longestTexts(): AnalyticsEvent[] {
  const common = { runId: endless, userId: endless, orgId: endless };
  const error = { type: endless, message: endless };
  return throughCore([
    execution({
      ...common,
      name: endless,
      success: false,
      error,
      version: endless,
      toolkit: endless,
      model: endless,
      provider: endless,
    }),
    rating({ ...common, skillId: endless, comment: endless }),
    health({ ...common, skillId: endless }),
    toolkit({ ...common, toolkit: endless, success: false, error }),
    metrics({ ...common, values: { [endless]: 1 } }),
    run({ ...common, name: endless, project: endless, tags: [endless] }),
    artifact({ ...common, name: endless, kind: endless, path: endless }),
  ]);
}

/** Events of all types with as much data as they may hold. */
export function largestData(): AnalyticsEvent[] {
  let deep: JsonValue = 'deep';
  for (let level = 1; level < maxJsonDepth; level += 1) {
    deep = [deep];
  }
  const json = { deep, text: '' };
  json.text = 'x'.repeat(maxJsonBytes - Buffer.byteLength(JSON.stringify(json)));
  const common = { attributes: json };
  const thousand = Array.from({ length: 1000 }, (_, at) => [`value-${at}`, at] as const);
  return throughCore([
    execution(common),
    rating(common),
    health(common),
    toolkit(common),
    metrics({ ...common, values: Object.fromEntries(thousand) }),
    run({ ...common, config: json, summary: json, tags: Array.from({ length: 100 }, (_, at) => `tag-${at}`) }),
    artifact({ ...common, bytes: Buffer.alloc(maxArtifactBytes, 'text\0\r\n\u00ff', 'latin1') }),
  ]);
}

/** Executions that cost anything from nothing to the largest amount, the same in every run. */
export function amountsOfMoney(): AnalyticsEvent[] {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  // As many of each length: of even ones from the whole range, nearly all would be huge.
  const some = Array.from({ length: 200 }, () => Math.floor(2 ** (53 * random())));
  const amounts = [0, 1, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER, ...some];
  return throughCore(amounts.map((nanoUsd) => execution({ cost: { nanoUsd, source: 'computed' } })));
}
