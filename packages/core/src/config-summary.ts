import type { Backend } from './backend.ts';
import type { ConfigSummary } from './delivery/report.ts';
import type { ResolvedOptions } from './options.ts';
import { thrownText } from './values/thrown.ts';

/** Returns the settings in force as plain JSON, in which secrets read `[redacted]`. */
export function configSummary(backends: readonly Backend[], options: ResolvedOptions): ConfigSummary {
  const { sampleRate, maxQueueEvents, maxQueueBytes } = options;
  const settings = backends.map((backend) => [backend.name, settingsOf(backend)]);
  return { sampleRate, maxQueueEvents, maxQueueBytes, backends: Object.fromEntries(settings) };
}

/** A backend whose settings throw must neither throw into the host nor hide the other backends. */
function settingsOf(backend: Backend): ConfigSummary['backends'][string] {
  try {
    return JSON.parse(JSON.stringify(backend.settings));
  } catch (thrown) {
    return { error: thrownText(thrown) };
  }
}
