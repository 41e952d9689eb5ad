import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { fileURLToPath } from 'node:url';
import { type AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { secret } from '@toolweaver/analytics-core/backend';
import { type OtlpOptions, otlp } from '@toolweaver/analytics-otlp';
import { fakeClock } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { trialOfTests } from '../../../test/support/trial.ts';
import { instanceId, showsNoToken, token } from './support/canary.ts';

const endpoint = 'http://localhost:4318';
/** A file that is there. */
const noCertificate = fileURLToPath(import.meta.url);

/** In no particular order, hence sorted. */
async function problemsOf(options: OtlpOptions): Promise<string[]> {
  const error: AnalyticsError = await otlp(options).then(
    () => expect.fail('must be refused'),
    (thrown) => thrown,
  );
  expect(error.code).toBe('INVALID_CONFIG');
  showsNoToken(error);
  return error.problems.map(({ field }) => field).sort();
}

test.each([null, 0, '', 'false'])('%j is neither enabled nor not', async (enabled) => {
  expect(await problemsOf({ endpoint, enabled: enabled as never })).toEqual(['enabled']);
});

test('everything that is wrong is told at once', async () => {
  expect(
    await problemsOf({
      endpoint: 'nowhere',
      instanceId: '',
      token: 'a b',
      protocol: 'grpc' as never,
      compression: 'zstd' as never,
      pushIntervalMs: 999,
      timeoutMs: 0,
      retry: { minDelayMs: -1, maxAttempts: 0, attempts: 3 } as never,
      tls: { caFile: '/nowhere/ca.pem', certFile: '/nowhere/cert.pem', key: '/nowhere/key.pem' } as never,
      header: { authorization: `Bearer ${token}` },
      serviceName: ' ',
      semconv: 'other' as never,
      namespace: '9',
      maxLabelSets: 0,
      onNotice: 'log' as never,
      clock: { now: Date.now } as never,
    } as OtlpOptions),
  ).toEqual([
    'clock',
    'compression',
    'endpoint',
    'header',
    'instanceId',
    'maxLabelSets',
    'namespace',
    'onNotice',
    'protocol',
    'pushIntervalMs',
    'retry.attempts',
    'retry.maxAttempts',
    'retry.minDelayMs',
    'semconv',
    'serviceName',
    'timeoutMs',
    'tls.caFile',
    'tls.certFile',
    'tls.key',
    'tls.keyFile',
    'token',
  ]);
});

test.each<[OtlpOptions, string[]]>([
  [{}, ['endpoint']],
  [null as never, ['options', 'endpoint']],
  [{ endpoint, retry: 5 as never }, ['retry']],
  [{ endpoint, tls: null as never }, ['tls']],
  // Number 5 is an open file, which may have no end.
  [{ endpoint, tls: { caFile: 5 as never } }, ['tls.caFile']],
  [{ endpoint, tls: { caFile: noCertificate } }, ['tls.caFile']],
  [{ endpoint, tls: { caFile: 'a\0b' } }, ['tls.caFile']],
  [{ endpoint, tls: { certFile: noCertificate, keyFile: noCertificate } }, ['tls.certFile', 'tls.keyFile']],
  [{ endpoint, agent: 'http://proxy.example' as never }, ['agent']],
  [{ endpoint, headers: null as never, resourceAttributes: 'a=b' as never }, ['headers', 'resourceAttributes']],
  [{ enabled: false, endpoints: endpoint } as OtlpOptions, ['endpoints']],
  [{ endpoint, url: endpoint }, ['url']],
  [{ endpoint, pushIntervalMs: 1000, timeoutMs: 1001 }, ['pushIntervalMs']],
  [{ endpoint, pushIntervalMs: Number.NaN }, ['pushIntervalMs']],
  [{ endpoint, pushIntervalMs: 2 ** 31 }, ['pushIntervalMs']],
  [{ endpoint, retry: { minDelayMs: 100, maxDelayMs: 99 } }, ['retry.maxDelayMs']],
  [{ endpoint: 'http://:secret@localhost' }, ['endpoint']],
  [{ endpoint, token }, ['instanceId']],
  [{ endpoint, instanceId }, ['token']],
  [{ endpoint, headers: { 'Content-Type': 'text/plain' } }, ['headers']],
  [{ endpoint, headers: { 'accept-encoding': 'gzip' } }, ['headers']],
  [{ endpoint, headers: { 'x-key': 7 as never } }, ['headers']],
  [{ url: 'http://localhost/api/push', evaluationEvents: true }, ['evaluationEvents']],
  [{ meterProvider: {} as never }, ['meterProvider']],
  [{ meterProvider: { getMeter: () => undefined as never }, endpoint, buckets: 'explicit' }, ['endpoint', 'buckets']],
])('%j: %j', async (options, fields) => {
  expect(await problemsOf(options)).toEqual(fields.toSorted());
});

test.each([7, null, undefined, {}])('a header whose value is %j is told to be no text', async (value) => {
  await expect(otlp({ endpoint, headers: { 'X-Key': value as never } })).rejects.toMatchObject({
    problems: [{ field: 'headers', message: 'must be strings: that of "x-key" is not' }],
  });
});

test.each([
  ['Headers', new Headers({ 'x-key': token })],
  ['a Map', new Map([['x-key', token]])],
])('headers and attributes as %s are refused, as nothing of them would be sent', async (_, pairs) => {
  const options = { endpoint, headers: pairs as never, resourceAttributes: pairs as never };
  expect(await problemsOf(options)).toEqual(['headers', 'resourceAttributes']);
});

test('who gave a header is not told of a token, and who gave a token not of a header', async () => {
  const open = 'http://receiver.example';
  const of = 'must begin with https://, or be of this machine: everybody on the way could read the';
  await expect(otlp({ endpoint: open, headers: { Authorization: 'Bearer x' } })).rejects.toMatchObject({
    problems: [{ field: 'endpoint', message: `${of} authorization header` }],
  });
  await expect(otlp({ endpoint: open, instanceId, token })).rejects.toMatchObject({
    problems: [{ field: 'endpoint', message: `${of} token` }],
  });
});

const sources: Record<string, () => unknown> = {
  throws() {
    throw new Error('no chance');
  },
  'gives no number': () => Number.NaN,
  'gives 1': () => 1,
  'is async, and rejects': () => Promise.reject(new Error('no chance')),
};

test.each(Object.entries(sources))('where a source of chance %s, the machine has one', async (_, random) => {
  const clock = fakeClock();
  const delays: number[] = [];
  const watched = {
    ...clock,
    setTimeout(callback: () => void, delayMs: number) {
      delays.push(delayMs);
      return clock.setTimeout(callback, delayMs);
    },
  };
  const backend = await otlp({ endpoint, clock: watched, random: random as never });
  expect(delays).toEqual([expect.toSatisfy((delayMs) => delayMs >= 0 && delayMs < 60_000)]);
  await backend.close?.();
});

test('an agent for another protocol than that of the address is refused, and no other', async () => {
  const secure = 'https://receiver.example';
  const plain = 'http://receiver.example';
  for (const options of [
    { endpoint: secure, agent: new Agent() },
    { url: secure, agent: new Agent() },
    { endpoint: plain, agent: new HttpsAgent() },
  ]) {
    expect(await problemsOf(options)).toEqual(['agent']);
  }
  // As those of proxies say, by the request that asks.
  class ForBoth extends Agent {
    get protocol(): string {
      return 'any:';
    }
    set protocol(_: string) {}
  }
  for (const options of [
    { endpoint: secure, agent: new HttpsAgent() },
    { endpoint: plain, agent: new Agent() },
    { endpoint: secure, agent: new ForBoth() },
  ]) {
    const backend = await otlp(options);
    await backend.close?.();
  }
});

// Of addresses in variables in env.test.ts.
trialOfTests('R32', 'OTLP: addresses and headers that would give secrets away are refused', () => {
  test.each<[OtlpOptions, string[]]>([
    ...['ftp://receiver.example', 'file:///etc/passwd', `https://user:${token}@receiver.example`].flatMap(
      (address): [OtlpOptions, string[]][] => [
        [{ endpoint: address }, ['endpoint']],
        [{ url: address }, ['url']],
      ],
    ),
    [{ endpoint: 'http://receiver.example', headers: { authorization: `Bearer ${token}` } }, ['endpoint']],
    [{ url: 'http://receiver.example', instanceId, token }, ['url']],
    [{ endpoint, instanceId, token: `${token}\n` }, ['token']],
    [{ endpoint, instanceId, token, headers: { Authorization: 'Bearer x' } }, ['headers']],
    [{ endpoint, headers: { 'x-key': `${token}\r\nx: y` } }, ['headers']],
  ])('%j: %j', async (options, fields) => {
    expect(await problemsOf(options)).toEqual(fields.toSorted());
  });
});

describe('what getConfigSummary() shows', () => {
  test('has no secret, neither of the token nor of headers nor of the address', async () => {
    const backend = await otlp({
      endpoint: `${endpoint}/otlp?key=${encodeURIComponent(token)}`,
      instanceId,
      token: secret(token),
      headers: { 'x-key': token },
    });
    const client = createAnalytics({ backends: [backend] });
    const summary = client.getConfigSummary();
    expect(summary.backends['otlp']).toMatchObject({
      url: 'http://localhost:4318/otlp/v1/metrics',
      instanceId,
      token: '[redacted]',
      headers: { 'x-key': '[redacted]' },
      maxLabelSets: 2000,
      semconv: 'toolweaver',
    });
    showsNoToken(summary, backend, client);
    await client.close();
  });
});
