import type { Env, Problem } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import { nearest } from './nearest.ts';

/** The variables that begin with `ANALYTICS_`; a test compares these lists with what the packages read. */
const known: readonly string[] = [
  'ANALYTICS_BACKEND',
  'ANALYTICS_ENABLED',
  'ANALYTICS_SAMPLE_RATE',
  'ANALYTICS_DB_PATH',
  'ANALYTICS_DB_RETENTION_DAYS',
  'ANALYTICS_DB_MAX_MB',
  'ANALYTICS_METRICS_NAMESPACE',
  'ANALYTICS_METRICS_LABELS',
  'ANALYTICS_METRICS_BUCKETS_MS',
  'ANALYTICS_METRICS_MAX_LABEL_SETS',
];

/** Those of single backends, under prefixes that others use, too. */
const ofBackends: { readonly [backend: string]: readonly string[] } = {
  prometheus: [
    'PROMETHEUS_ENABLED',
    'PROMETHEUS_PORT',
    'PROMETHEUS_HOST',
    'PROMETHEUS_DEFAULT_METRICS',
    'PROMETHEUS_WORKERS',
    'PROMETHEUS_PUSHGATEWAY_URL',
    'PROMETHEUS_PUSHGATEWAY_JOB',
    'PROMETHEUS_PUSHGATEWAY_GROUPING',
    'PROMETHEUS_PUSHGATEWAY_MODE',
    'PROMETHEUS_PUSHGATEWAY_INTERVAL',
    'PROMETHEUS_PUSHGATEWAY_DELETE_ON_CLOSE',
    'PROMETHEUS_PUSHGATEWAY_AUTHORIZATION',
  ],
  otlp: [
    'OTLP_ENDPOINT',
    'OTLP_INSTANCE_ID',
    'OTLP_TOKEN',
    'OTLP_PUSH_INTERVAL',
    'OTLP_SERVICE_NAME',
    'OTLP_SERVICE_VERSION',
  ],
};

/**
 * Names that may be ours with a letter wrong. The prefix has to be there, as Kubernetes makes `PROMETHEUS1_PORT` of a service, and an X
 * in front turns a variable off.
 */
const ourPrefix = /^(ANALYTICS?|PROMETHEUS|OTLP)_/;
const clientPrefix = 'ANALYTICS_';

/** What Kubernetes sets in each container for a service called `analytics`. */
const serviceLink = /^ANALYTICS_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Two edits make another word: `ANALYTICS_DB_PASS` may well be somebody else's. */
const maxEdits = 1;

/** An empty or blank variable counts as unset. */
function isSet(env: Env, name: string): boolean {
  return String(env[name] ?? '').trim() !== '';
}

/**
 * Of a backend, or else of the client.
 * @throws AnalyticsError `INVALID_CONFIG` for variables that are almost one of ours: their settings would be passed over.
 */
export function checkSpelling(env: Env, backend?: string): void {
  const names = backend === undefined ? known : (ofBackends[backend] ?? []);
  const problems = Object.keys(env).flatMap((name) => {
    const meant = ourPrefix.test(name) && isSet(env, name) ? nearest(name, names, maxEdits) : undefined;
    const isWrong = meant !== undefined && meant !== name;
    return isWrong ? [{ field: name, message: `is not a known variable; did you mean ${meant}?` }] : [];
  });
  if (problems.length > 0) {
    throw configError(problems);
  }
}

/** A problem for each variable that has our prefix, but is neither ours nor almost. It may be somebody else's. */
export function foreignVariables(env: Env): Problem[] {
  const restOf = (name: string): string => name.slice(clientPrefix.length);
  return Object.keys(env)
    .filter((name) => name.startsWith(clientPrefix) && !serviceLink.test(name) && isSet(env, name))
    .filter((name) => !nearest(name, known, maxEdits))
    .map((name) => {
      const meant = nearest(restOf(name), known.map(restOf));
      const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${clientPrefix}${meant}?`;
      return { field: name, message: `is not a known variable, and is ignored; ${hint}` };
    });
}
