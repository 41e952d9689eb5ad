import type { Backend, Setting } from './backend.ts';
import type { ResolvedOptions } from './options.ts';
import type { ConfigSummary, PlainSetting } from './report.ts';
import { isSecret } from './secret.ts';

/** The settings in force, as plain JSON without secrets. */
export function configSummary(backends: readonly Backend[], options: ResolvedOptions): ConfigSummary {
  const { sampleRate, maxQueueEvents, maxQueueBytes } = options;
  const settings = backends.map(({ name, settings }) => [name, plainObject(settings)] as const);
  return { sampleRate, maxQueueEvents, maxQueueBytes, backends: Object.fromEntries(settings) };
}

function plainObject(settings: { readonly [key: string]: Setting }): { readonly [key: string]: PlainSetting } {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, plain(value)]));
}

function plain(value: Setting): PlainSetting {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (isSecret(value)) {
    return value.toString();
  }
  return Array.isArray(value) ? value.map(plain) : plainObject(value as { readonly [key: string]: Setting });
}
