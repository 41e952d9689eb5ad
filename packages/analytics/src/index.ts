export * from '@toolweaver/analytics-core';
export { secret } from '@toolweaver/analytics-core/backend';
export { type AnalyticsClientOptions, createAnalyticsClient } from './create-client.ts';
