import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Secret } from '@toolweaver/analytics-core';
import { isSecret, type OptionChecks, secret } from '@toolweaver/analytics-core/backend';
import { isOpenToNetwork } from './endpoint.ts';
import type { OtlpOptions } from './options.ts';

/** Headers that the exporter sets itself. */
const ownHeaders = [
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
];

/** By lower-case name; undefined where the value is neither a string nor a secret. */
type HeadersAsGiven = Readonly<Record<string, Secret | undefined>>;

/** Checks that credentials and headers are complete, printable, and not sent unencrypted over a network. */
export function checkCredentials(
  check: OptionChecks,
  options: OtlpOptions,
  url: URL,
  token: Secret | undefined,
  headers: HeadersAsGiven,
): void {
  const { instanceId } = options;
  if (instanceId !== undefined && (typeof instanceId !== 'string' || !/^[^\s:\p{Cc}]+$/u.test(instanceId))) {
    check.problem('instanceId', 'must be a string without blanks and colons');
  }
  if (options.token !== undefined && (token === undefined || !/^[\x21-\x7e]+$/.test(token.reveal()))) {
    check.problem('token', 'must be a string without blanks, line breaks and other odd characters');
  }
  const isCloud = url.hostname.endsWith('.grafana.net') && Object.keys(headers).length === 0;
  for (const field of ['instanceId', 'token'] as const) {
    const isWanted = isCloud || instanceId !== undefined || options.token !== undefined;
    if (isWanted && options[field] === undefined) {
      const why = isCloud ? 'Grafana Cloud takes nothing without both' : 'an instance id and its token belong together';
      check.problem(field, `is missing: ${why}`);
    }
  }
  for (const [name, value] of Object.entries(headers)) {
    if (ownHeaders.includes(name)) {
      check.problem('headers', `must not have ${name}, which the exporter sets`);
    } else if (value === undefined) {
      check.problem('headers', `must be strings: that of ${JSON.stringify(name)} is not`);
    } else if (!isHeader(name, value.reveal())) {
      check.problem('headers', `has a name or a value that HTTP does not allow: ${JSON.stringify(name)}`);
    }
  }
  const hasAuthorization = 'authorization' in headers;
  if (token !== undefined && hasAuthorization) {
    check.problem('headers', 'must not have authorization beside a token');
  }
  if (isOpenToNetwork(url) && (token !== undefined || hasAuthorization)) {
    const field = options.url === undefined ? 'endpoint' : 'url';
    const what = hasAuthorization ? 'authorization header' : 'token';
    check.problem(
      field,
      `must begin with https://, or be of this machine: everybody on the way could read the ${what}`,
    );
  }
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

export function readHeaders(headers: unknown): HeadersAsGiven {
  return Object.fromEntries(
    Object.entries(Object(headers)).map(([name, value]) => [name.toLowerCase(), toSecret(value)]),
  );
}

export function toSecret(value: unknown): Secret | undefined {
  if (isSecret(value)) {
    return value;
  }
  return typeof value === 'string' ? secret(value) : undefined;
}
