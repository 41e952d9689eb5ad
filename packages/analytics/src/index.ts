export * from '@toolweaver/analytics-core';
export { secret } from '@toolweaver/analytics-core/backend';
export type { BackendName } from './backends.ts';
export { type AnalyticsClientOptions, createAnalyticsClient } from './create-client.ts';
