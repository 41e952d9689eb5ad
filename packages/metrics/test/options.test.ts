import { createOptionChecks, readEnv } from '@toolweaver/analytics-core/backend';
import {
  type CellsOptions,
  createCells,
  describeMetrics,
  type OptionalLabel,
  readMetricsOptions,
  resolveCellsOptions,
} from '@toolweaver/analytics-metrics';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { histograms } from './support.ts';

test('every problem is named at once', () => {
  const options = {
    namespace: '9 lives',
    labels: ['org_id', 'org_id'],
    latencyBucketsMs: [100, 5],
    maxLabelSets: 0,
  } as const;
  expect(() => createCells(options)).toThrow(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      problems: ['namespace', 'labels', 'latencyBucketsMs', 'maxLabelSets'].map((field) =>
        expect.objectContaining({ field }),
      ),
    }),
  );
});

test('a name that is not an option is named with the rest, and so are options that are no object', () => {
  const wrong = { namespaces: 'a', maxLabelSets: 0 } as CellsOptions;
  const problems = ['namespaces', 'maxLabelSets'].map((field) => expect.objectContaining({ field }));
  expect(() => createCells(wrong)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG', problems }));
  expect(() => describeMetrics(wrong)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG', problems }));
  for (const make of [createCells, describeMetrics]) {
    expect(() => make(null as never)).toThrow('options: must be an object, got null');
  }
});

test.each<[string, unknown]>([
  ['namespace', ''],
  ['namespace', 'a-b'],
  ['namespace', 'é'],
  ['labels', ['run_id']],
  ['labels', 'org_id'],
  ['latencyBucketsMs', []],
  ['latencyBucketsMs', [1, 1]],
  ['latencyBucketsMs', [0, 1]],
  ['latencyBucketsMs', [1, Number.POSITIVE_INFINITY]],
  ['latencyBucketsMs', [Number.NaN]],
  ['latencyBucketsMs', Array.from({ length: 201 }, (_, at) => at + 1)],
  ['maxLabelSets', 1.5],
  ['maxLabelSets', '2000'],
  ['maxLabelSets', 1_000_001],
  ['semconv', 'otel'],
  ['buckets', 'linear'],
  ['observer', 'mine'],
  ['observer', null],
])('%s: %j is refused', (field, value) => {
  expect(() => createCells({ [field]: value } as CellsOptions)).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ field })] }),
  );
});

test('a list that is refused is told with what is in it, also where that comes from the environment', () => {
  const env = { ANALYTICS_METRICS_BUCKETS_MS: '100,5ms', ANALYTICS_METRICS_LABELS: 'org_id,team' };
  const problems = [
    'must be a list of some of org_id, user_id, each at most once, got ["org_id", "team"]',
    'must be 1 to 200 numbers above 0, each higher than the one before, got [100, "5ms"]',
  ].map((message) => expect.objectContaining({ message }));
  expect(() => readEnv(env, readMetricsOptions)).toThrow(expect.objectContaining({ problems }));
  const latencyBucketsMs = Array.from({ length: 201 }, () => 7);
  expect(() => createCells({ latencyBucketsMs })).toThrow('7, 7, …]');
});

test('as many buckets and label sets as are allowed are taken', () => {
  const latencyBucketsMs = Array.from({ length: 200 }, (_, at) => at + 1);
  expect(createCells({ latencyBucketsMs, maxLabelSets: 1_000_000 }).families()).not.toEqual([]);
});

test('options that were not given have their defaults, and every problem is noted rather than thrown', () => {
  const fields: string[] = [];
  const check = createOptionChecks((field) => fields.push(field));
  expect(resolveCellsOptions(check, { labels: ['org_id'], latencyBucketsMs: [5] })).toEqual({
    namespace: 'toolweaver',
    labels: ['org_id'],
    latencyBucketsMs: [5],
    maxLabelSets: 2000,
    semconv: 'toolweaver',
    buckets: 'explicit',
  });
  expect(fields).toEqual([]);
  const wrong = { labels: null, latencyBucketsMs: 5, maxLabelSets: 0, semconv: 'otel', buckets: 'linear' };
  resolveCellsOptions(check, wrong as unknown as CellsOptions);
  expect(fields).toEqual(Object.keys(wrong));
});

test('what is done to the lists of options afterwards changes nothing', () => {
  const latencyBucketsMs = [10, 100];
  const labels: OptionalLabel[] = ['org_id'];
  const cells = createCells({ latencyBucketsMs, labels });
  cells.record(execution({ name: 'a', orgId: 'o', latencyMs: 5 }));
  latencyBucketsMs.push(1000, 2000, 3000);
  labels.push('user_id');
  cells.record(execution({ name: 'b', orgId: 'o', latencyMs: 500 }));
  cells.record(execution({ name: 'c', orgId: 'o', latencyMs: 50 }));
  expect(histograms(cells, 'toolweaver_skill_latency_milliseconds')).toMatchObject([
    { labels: ['a', 'o'], counts: [1, 0, 0] },
    { labels: ['b', 'o'], counts: [0, 0, 1] },
    { labels: ['c', 'o'], counts: [0, 1, 0] },
  ]);
});

test('the environment says the same as the options, and its problems name the variables', () => {
  const env = {
    ANALYTICS_METRICS_NAMESPACE: 'acme',
    ANALYTICS_METRICS_LABELS: 'org_id, user_id',
    ANALYTICS_METRICS_BUCKETS_MS: '1, 2.5,1000',
    ANALYTICS_METRICS_MAX_LABEL_SETS: '50',
  };
  expect(readEnv(env, readMetricsOptions)).toEqual({
    namespace: 'acme',
    labels: ['org_id', 'user_id'],
    latencyBucketsMs: [1, 2.5, 1000],
    maxLabelSets: 50,
  });
  expect(readEnv({}, readMetricsOptions)).toEqual({});
  const wrong = {
    ANALYTICS_METRICS_NAMESPACE: 'a b',
    ANALYTICS_METRICS_LABELS: 'org',
    ANALYTICS_METRICS_BUCKETS_MS: '1,two',
    ANALYTICS_METRICS_MAX_LABEL_SETS: 'many',
  };
  expect(() => readEnv(wrong, readMetricsOptions)).toThrow(
    expect.objectContaining({
      problems: expect.arrayContaining(Object.keys(wrong).map((field) => expect.objectContaining({ field }))),
    }),
  );
});

test.each(['1e3', '0x800', '+5', '1,1e1'])('bounds are decimals, as every number of the environment: %s', (text) => {
  expect(() => readEnv({ ANALYTICS_METRICS_BUCKETS_MS: text }, readMetricsOptions)).toThrow(
    'ANALYTICS_METRICS_BUCKETS_MS',
  );
});

test('the buckets of all latencies follow from one option', () => {
  const metrics = describeMetrics({ latencyBucketsMs: [5, 250] });
  const boundsOf = (name: string) => metrics.find((metric) => metric.name === name)?.bounds;
  expect(boundsOf('toolweaver_skill_latency_milliseconds')).toEqual([5, 250]);
  expect(boundsOf('toolweaver_tool_duration_seconds')).toEqual([0.005, 0.25]);
  expect(boundsOf('toolweaver_skill_rating')).toEqual([1, 2, 3, 4, 5]);
});

test('names and units follow what Prometheus asks for', () => {
  for (const { name, type, unit, help } of describeMetrics()) {
    expect(name).toMatch(/^toolweaver_[a-z_]+$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    // A unit of measure stands in the name; what no unit of measure is, never adds a suffix.
    const suffix = { s: '_seconds', ms: '_milliseconds' }[unit];
    expect(suffix === undefined ? /^(|\{\w+\})$/.test(unit) : name.endsWith(suffix), name).toBe(true);
    expect(help).toMatch(/^[^"\\\n]+\.$/);
  }
});
