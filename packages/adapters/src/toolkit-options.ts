import type { Env } from '@toolweaver/analytics-core';
import { type OptionChecks, type OptionNames, readEnv } from '@toolweaver/analytics-core/backend';

/** What is recorded of a toolkit: the part that the environment can set, too. */
export interface ToolkitSwitches {
  /** `false`: nothing is recorded, and no tool is wrapped. Default: true. */
  readonly enabled?: boolean | undefined;
  /** Events of toolkits: create, cache_hit, cache_miss, cleanup. Default: true. */
  readonly trackLifecycle?: boolean | undefined;
  /** Executions of their tools. Default: true. */
  readonly trackInvocations?: boolean | undefined;
  /** The share of invocations to keep, 0 to 1; failed and slow ones are always kept. Default: the client's. */
  readonly sampleRate?: number | undefined;
}

/** What is recorded of a toolkit, and together with it. */
export interface ToolkitOptions extends ToolkitSwitches {
  /** Records the bytes of inputs and outputs, for which data is turned into JSON at each call. Default: true. */
  readonly sizes?: boolean | undefined;
  /** Recorded with every event. Default: none. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}

/** What `toolkitOptionsFromEnv` has read; undefined for variables that are not set. */
export interface ToolkitEnv extends ToolkitSwitches {
  /** For `createAnalytics`; `createAnalyticsClient` reads it by itself. */
  readonly batchSize?: number | undefined;
}

export const toolkitOptionNames: OptionNames<ToolkitOptions & ToolkitEnv> = {
  enabled: true,
  trackLifecycle: true,
  trackInvocations: true,
  sampleRate: true,
  sizes: true,
  attributes: true,
  // An option of the client, which is read from the environment with the others.
  batchSize: true,
};

/**
 * `TOOLKIT_METRICS_ENABLED`, `TOOLKIT_TRACK_LIFECYCLE`, `TOOLKIT_TRACK_INVOCATIONS` (true or false), `TOOLKIT_SAMPLE_RATE` (0 to 1)
 * and `TOOLKIT_BATCH_SIZE` (1 to 1000).
 * @throws AnalyticsError `INVALID_CONFIG` with every variable that is wrong.
 */
export function toolkitOptionsFromEnv(env: Env): ToolkitEnv {
  return readEnv(env, (vars) => ({
    enabled: vars.flag('TOOLKIT_METRICS_ENABLED'),
    trackLifecycle: vars.flag('TOOLKIT_TRACK_LIFECYCLE'),
    trackInvocations: vars.flag('TOOLKIT_TRACK_INVOCATIONS'),
    sampleRate: vars.number('TOOLKIT_SAMPLE_RATE', { min: 0, max: 1 }),
    batchSize: vars.integer('TOOLKIT_BATCH_SIZE', { min: 1, max: 1000 }),
  }));
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

export function checkToolkitOptions(check: OptionChecks, options: ToolkitOptions): void {
  for (const field of ['enabled', 'trackLifecycle', 'trackInvocations', 'sizes'] as const) {
    check.flag(field, options[field]);
  }
  check.number('sampleRate', options.sampleRate, { min: 0, max: 1 });
}
