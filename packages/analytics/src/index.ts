export * from '@toolweaver/analytics-core';
export { type AnalyticsClientOptions, createAnalyticsClient } from './create-client.ts';
