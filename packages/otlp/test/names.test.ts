import { describeMetrics } from '@toolweaver/analytics-metrics';
import { describe, expect, test } from 'vitest';
import { everyKind } from './support/all-metrics.ts';
import { pushed } from './support/pushed.ts';
import type { DecodedMetric } from './support/wire.ts';

// How receivers make names for Prometheus, as the published rules say it:
// https://prometheus.io/docs/guides/opentelemetry/#translation-strategies
const unitSuffixes: Readonly<Record<string, string>> = {
  ms: 'milliseconds',
  s: 'seconds',
  By: 'bytes',
  '%': 'percent',
};

interface Strategy {
  /** Characters that Prometheus did not allow once become underscores. */
  readonly escapes: boolean;
  readonly suffixes: boolean;
}

function translated({ name, unit, type, isMonotonic }: DecodedMetric, { escapes, suffixes }: Strategy): string {
  const tokens = (escapes ? name.replaceAll(/[^a-zA-Z0-9:]/g, '_') : name).split(escapes ? '_' : /(?!)/);
  if (!suffixes) {
    return tokens.join('_');
  }
  const isTotal = type === 'sum' && isMonotonic === true;
  let result = tokens.filter((token) => token !== '').join('_');
  const append = (suffix: string): void => {
    if (suffix !== '' && !result.split(/[_.]/).includes(suffix)) {
      result += `_${suffix}`;
    }
  };
  const total = /_total$/;
  const wasTotal = total.test(result);
  result = isTotal ? result.replace(total, '') : result;
  if (!/[{}]/.test(unit)) {
    append(unit === '1' ? (type === 'gauge' ? 'ratio' : '') : (unitSuffixes[unit] ?? unit));
  }
  if (isTotal || wasTotal) {
    result = `${result.replace(total, '')}_total`;
  }
  return result;
}

const strategies: Readonly<Record<string, Strategy>> = {
  UnderscoreEscapingWithSuffixes: { escapes: true, suffixes: true },
  UnderscoreEscapingWithoutSuffixes: { escapes: true, suffixes: false },
  NoUTF8EscapingWithSuffixes: { escapes: false, suffixes: true },
  NoTranslation: { escapes: false, suffixes: false },
};

test('the rules are those that receivers have', () => {
  const metric = { temporality: 2, points: [] };
  const gauge: DecodedMetric = { ...metric, name: 'a.health.score', unit: '1', type: 'gauge', isMonotonic: undefined };
  const counter: DecodedMetric = { ...metric, name: 'a.llm.cost', unit: 'USD', type: 'sum', isMonotonic: true };
  const { UnderscoreEscapingWithSuffixes: usual, NoTranslation: none } = strategies as Record<string, Strategy>;
  expect(translated(gauge, usual as Strategy)).toBe('a_health_score_ratio');
  expect(translated(counter, usual as Strategy)).toBe('a_llm_cost_USD_total');
  expect(translated(counter, none as Strategy)).toBe('a.llm.cost');
});

describe.each(Object.entries(strategies))('%s', (_, strategy) => {
  test('leaves every name as the Prometheus backend has it', async () => {
    const decoded = await pushed(everyKind());
    const known = describeMetrics().map(({ name }) => name);
    // All that are made of events; the others are made by a client.
    expect(decoded.metrics.length).toBe(known.length - 3);
    for (const metric of decoded.metrics) {
      expect(known).toContain(metric.name);
      expect(translated(metric, strategy)).toBe(metric.name);
    }
  });
});
