import type { Env } from '@toolweaver/analytics-core';
import { createOptionChecks, type EnvReader, readEnv } from '@toolweaver/analytics-core/backend';
import { readMetricsOptions } from '@toolweaver/analytics-metrics';
import { checkHost, type PrometheusOptions } from './options.ts';
import { type PushgatewayOptions, resolvePushgateway } from './pushgateway-options.ts';

/**
 * Reads `PROMETHEUS_ENABLED`, `PROMETHEUS_PORT`, `PROMETHEUS_HOST`, `PROMETHEUS_DEFAULT_METRICS`, `PROMETHEUS_WORKERS`, the
 * `PROMETHEUS_PUSHGATEWAY_…` (`URL`, `JOB`, `GROUPING`, `INTERVAL` in seconds, `MODE`, `DELETE_ON_CLOSE`, `AUTHORIZATION`),
 * and the `ANALYTICS_METRICS_…` of every backend that shows metrics. Pure: pass `process.env`.
 * @throws AnalyticsError `INVALID_CONFIG` with all problems.
 */
export function prometheusFromEnv(env: Env): PrometheusOptions {
  return readEnv(env, (vars) => {
    const options = {
      ...readMetricsOptions(vars),
      enabled: vars.flag('PROMETHEUS_ENABLED'),
      port: isServiceLink(env['PROMETHEUS_PORT'])
        ? undefined
        : vars.integer('PROMETHEUS_PORT', { min: 0, max: 65_535 }),
      host: readHost(vars),
      defaultMetrics: vars.flag('PROMETHEUS_DEFAULT_METRICS'),
      workers: vars.flag('PROMETHEUS_WORKERS'),
    };
    return { ...options, pushgateway: readPushgateway(vars, env, options.defaultMetrics) };
  });
}

/** Kubernetes sets `PROMETHEUS_PORT=tcp://…` in the pods of a namespace with a service called `prometheus`. */
function isServiceLink(port: unknown): boolean {
  return /^(tcp|udp|sctp):\/\//.test(String(port));
}

function readHost(vars: EnvReader): string | undefined {
  const check = createOptionChecks((_, message) => vars.problem('PROMETHEUS_HOST', message));
  return checkHost(check, vars.text('PROMETHEUS_HOST'));
}

const prefix = 'PROMETHEUS_PUSHGATEWAY_';

function readPushgateway(vars: EnvReader, env: Env, defaultMetrics = false): PushgatewayOptions | undefined {
  const isSet = (variable: string): boolean => String(env[`${prefix}${variable}`] ?? '').trim() !== '';
  if (!Object.values(variables).some(isSet)) {
    return undefined;
  }
  if (!isSet('URL')) {
    vars.problem(`${prefix}URL`, `must be set, since other settings of a Pushgateway are`);
  }
  const seconds = vars.number(`${prefix}INTERVAL`, { min: 0, max: 3_600 }, 'a number of seconds');
  const options = {
    // Without a URL, the other settings are checked all the same.
    url: vars.text(`${prefix}URL`) ?? 'https://unset',
    job: vars.text(`${prefix}JOB`),
    grouping: readGrouping(vars),
    intervalMs: seconds === undefined ? undefined : seconds * 1000,
    mode: vars.choice(`${prefix}MODE`, ['push', 'add']),
    deleteOnClose: vars.flag(`${prefix}DELETE_ON_CLOSE`),
    authorization: vars.secret(`${prefix}AUTHORIZATION`),
  };
  const check = createOptionChecks((field, message) => {
    const [, option = '', ...label] = field.split('.');
    const inOurUnit = option === 'intervalMs' ? 'must be 0, or a number of seconds from 0.1 to 3600' : message;
    vars.problem(`${prefix}${variables[option]}`, `${label.join('.')} ${inOurUnit}`.trim());
  });
  resolvePushgateway(check, options, defaultMetrics);
  return options;
}

const variables: Readonly<Record<string, string>> = {
  url: 'URL',
  job: 'JOB',
  grouping: 'GROUPING',
  intervalMs: 'INTERVAL',
  mode: 'MODE',
  deleteOnClose: 'DELETE_ON_CLOSE',
  authorization: 'AUTHORIZATION',
};

/** `instance=eu-1,shard=3` */
function readGrouping(vars: EnvReader): Record<string, string> | undefined {
  const name = `${prefix}GROUPING`;
  const items = vars.list(name);
  const grouping = new Map(
    items?.flatMap((item) => {
      const at = item.indexOf('=');
      return at < 1 ? [] : [[item.slice(0, at).trim(), item.slice(at + 1).trim()]];
    }),
  );
  if (items !== undefined && grouping.size < items.length) {
    vars.problem(name, 'must be labels and values with commas between, each label once, such as instance=eu-1,shard=3');
  }
  return items && Object.fromEntries(grouping);
}
