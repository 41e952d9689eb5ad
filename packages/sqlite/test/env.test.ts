import { sqliteFromEnv } from '@toolweaver/analytics-sqlite';
import { expect, test } from 'vitest';

test.each([
  [{}, {}],
  [{ ANALYTICS_DB_PATH: '', ANALYTICS_DB_RETENTION_DAYS: ' ', ANALYTICS_DB_MAX_MB: '' }, {}],
  [{ ANALYTICS_DB_MAX_MB: '512' }, { maxBytes: 512 * 1024 * 1024 }],
  [{ ANALYTICS_DB_MAX_MB: '0' }, { maxBytes: 0 }],
  [
    { ANALYTICS_DB_PATH: ' ~/x.db ', ANALYTICS_DB_RETENTION_DAYS: '90' },
    { path: '~/x.db', retentionDays: 90 },
  ],
  [
    { ANALYTICS_DB_PATH: ':memory:', ANALYTICS_DB_RETENTION_DAYS: '0' },
    { path: ':memory:', retentionDays: 0 },
  ],
])('%j gives %j', (env, options) => {
  expect(sqliteFromEnv(env)).toEqual(options);
});

test('all problems are reported at once', () => {
  expect(() => sqliteFromEnv({ ANALYTICS_DB_RETENTION_DAYS: 'ever', ANALYTICS_DB_MAX_MB: '1GB' })).toThrowError(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      problems: [
        { field: 'ANALYTICS_DB_MAX_MB', message: expect.stringContaining('"1GB"') },
        { field: 'ANALYTICS_DB_RETENTION_DAYS', message: expect.stringContaining('"ever"') },
      ],
    }),
  );
});

test.each(['-1', '1.5', '1e3', '90 days', '0x10', '36501'])('%s is no number of days', (days) => {
  expect(() => sqliteFromEnv({ ANALYTICS_DB_RETENTION_DAYS: days })).toThrowError(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      problems: [{ field: 'ANALYTICS_DB_RETENTION_DAYS', message: expect.stringContaining(JSON.stringify(days)) }],
    }),
  );
});
