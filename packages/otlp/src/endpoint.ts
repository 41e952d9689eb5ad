import { isLoopback } from '@toolweaver/analytics-core/backend';

const metricsPath = '/v1/metrics';

/** Returns the URL that metrics are posted to, for an endpoint with or without its path. */
export function metricsUrl(endpoint: string): URL {
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

/** Returns what is wrong with an address, or undefined. Does not repeat the address: it may hold a password. */
export function addressProblem(address: unknown): string | undefined {
  const url = typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    return 'must be an address that begins with https:// or http://';
  }
  if (url.username !== '' || url.password !== '') {
    return 'must not have a user or a password in it; give an instance id and a token, or headers';
  }
  return url.hash === '' ? undefined : 'must have no # in it';
}

/** Whether data sent there can leave this machine unencrypted. */
export function isOpenToNetwork({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && !isLoopback(hostname);
}
