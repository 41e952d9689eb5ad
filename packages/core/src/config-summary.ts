import type { Backend } from './backend.ts';
import type { ResolvedOptions } from './options.ts';
import type { ConfigSummary } from './report.ts';

/** The settings in force, as plain JSON, in which a secret reads `[redacted]`. */
export function configSummary(backends: readonly Backend[], options: ResolvedOptions): ConfigSummary {
  const { sampleRate, maxQueueEvents, maxQueueBytes } = options;
  const settings = backends.map((backend) => [backend.name, backend.settings]);
  return JSON.parse(
    JSON.stringify({ sampleRate, maxQueueEvents, maxQueueBytes, backends: Object.fromEntries(settings) }),
  );
}
