import { isLoopback } from '@toolweaver/analytics-core/backend';

const metricsPath = '/v1/metrics';

/** Returns the URL that metrics are posted to, for an endpoint with or without its path. */
export function metricsUrl(endpoint: URL): URL {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(metricsPath) ? path : path + metricsPath;
  return url;
}

/** Returns the URL of logs next to that of metrics; undefined where metrics have a path of their own. */
export function logsUrl(metrics: URL): URL | undefined {
  if (!metrics.pathname.endsWith(metricsPath)) {
    return undefined;
  }
  const url = new URL(metrics);
  url.pathname = url.pathname.replace(/metrics$/, 'logs');
  return url;
}

/** Whether data sent there can leave this machine unencrypted. */
export function isOpenToNetwork({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && !isLoopback(hostname);
}
