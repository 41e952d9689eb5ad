import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createAnalytics } from '@toolweaver/analytics-core';
import type { OtlpOptions } from '@toolweaver/analytics-otlp';
import { execution, ledgerHolds } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { type Trial, trialOfTests } from '../../../test/support/trial.ts';
import { forms, instanceId, showsNoToken, token } from './support/canary.ts';
import { observe } from './support/observe.ts';
import { backendOfTest, check, flush, receiverOfTest } from './support/pushed.ts';
import type { Script } from './support/receiver.ts';
import { encode } from './support/wire.ts';

const answer =
  (status: number, headers: Record<string, string> = {}, body: string | Buffer = ''): Script =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(body);

const basicOf = (text: string): string => Buffer.from(text).toString('base64');

/** Records three executions, flushes with this answer, then once more with a receiver that is well. */
async function flushWith(script: Script, add: Trial['add'] = () => {}, options: OtlpOptions = {}) {
  const receiver = await receiverOfTest();
  const notices: unknown[] = [];
  const backend = await backendOfTest({
    endpoint: receiver.url,
    instanceId,
    token,
    onNotice: (notice) => notices.push(notice),
    ...options,
  });
  const client = createAnalytics({ backends: [backend] });
  for (let count = 0; count < 3; count += 1) {
    client.recordSkillExecution({ skillId: 'summarise', success: true });
  }
  receiver.script(script);
  const started = performance.now();
  const { ok, backends } = await client.flush();
  const elapsedMs = performance.now() - started;
  const requests = receiver.requests.length;
  add('requests', requests);

  // The ledger is exact, and no total is lost: the next push has it all.
  ledgerHolds(client.stats());
  expect(client.stats().backends['otlp']).toMatchObject({ accepted: 3, delivered: 3, queued: 0 });
  receiver.script(answer(200));
  expect(await client.flush()).toMatchObject({ ok: true });
  expect(observe(receiver.requests).executions).toContainEqual(
    expect.objectContaining({ name: 'summarise', count: 3 }),
  );

  const error = backends['otlp']?.error;
  showsNoToken(error, notices, client.getConfigSummary(), client);
  return { ok, error, requests, elapsedMs, notices };
}

trialOfTests('R26', 'OTLP: a status says whether it arrived, and how often to try again', (add) => {
  test.each([200, 202, 204])('%i: accepted', async (status) => {
    expect(await flushWith(answer(status), add)).toMatchObject({ ok: true, requests: 1 });
  });

  test.each([
    [301, 1, 'INVALID_CONFIG'],
    [302, 1, 'INVALID_CONFIG'],
    [307, 1, 'INVALID_CONFIG'],
    [308, 1, 'INVALID_CONFIG'],
    [400, 1, 'EVENTS_REJECTED'],
    [401, 1, 'INVALID_CONFIG'],
    [403, 1, 'INVALID_CONFIG'],
    [404, 1, 'INVALID_CONFIG'],
    [405, 1, 'INVALID_CONFIG'],
    [408, 1, 'BACKEND_UNAVAILABLE'],
    [413, 1, 'TOO_LARGE'],
    [415, 1, 'EVENTS_REJECTED'],
    [429, 5, 'BACKEND_UNAVAILABLE'],
    [500, 1, 'BACKEND_UNAVAILABLE'],
    [501, 1, 'BACKEND_UNAVAILABLE'],
    [502, 5, 'BACKEND_UNAVAILABLE'],
    [503, 5, 'BACKEND_UNAVAILABLE'],
    [504, 5, 'BACKEND_UNAVAILABLE'],
    [511, 1, 'BACKEND_UNAVAILABLE'],
  ])('%i: %i requests, %s', async (status, requests, code) => {
    const result = await flushWith(answer(status, { 'content-type': 'text/plain' }, 'the words of the receiver'), add);
    expect(result).toMatchObject({ ok: false, requests, error: { code, backend: 'otlp' } });
    expect(result.error?.message).toMatch(new RegExp(`^otlp: 127\\.0\\.0\\.1:\\d+/v1/metrics answered ${status}`));
    if (status >= 400) {
      expect(result.error?.message).toContain('the words of the receiver');
    }
  });

  test('what comes back in time is tried until it is taken', async () => {
    const twice: Script = (response, index) => void response.writeHead(index < 2 ? 503 : 200).end();
    expect(await flushWith(twice, add)).toMatchObject({ ok: true, requests: 3 });
  });

  describe('Retry-After', () => {
    const past = new Date(Date.now() - 60_000).toUTCString();
    const future = new Date(Date.now() + 3_600_000).toUTCString();
    test.each([
      ['0', 5, 0],
      ['9999999', 1, 300_000],
      [past, 5, 0],
      [future, 1, 300_000],
      ['soon', 5, undefined],
      // Dates, but not of HTTP.
      ['2099-01-01', 5, undefined],
      ['-1', 5, undefined],
      ['1e3', 5, undefined],
    ])('%s: %i requests', async (value, requests, retryAfterMs) => {
      const result = await flushWith(answer(429, { 'retry-after': value }), add);
      expect(result).toMatchObject({ ok: false, requests, error: { retryAfterMs } });
    });

    test('1: not before a second has passed', async () => {
      const once: Script = (response, index) =>
        void response.writeHead(index < 1 ? 429 : 200, { 'retry-after': '1' }).end();
      const { ok, requests, elapsedMs } = await flushWith(once, add);
      expect({ ok, requests }).toEqual({ ok: true, requests: 2 });
      expect(elapsedMs).toBeGreaterThanOrEqual(999);
    });

    test('the error has the wish', async () => {
      const { error } = await flushWith(answer(503, { 'retry-after': '120' }), add);
      expect(error).toMatchObject({ retryAfterMs: 120_000 });
    });
  });
});

describe('the receiver’s words', () => {
  const long = 'x'.repeat(10_000);
  test.each<[string, Script, string]>([
    [
      'of a status in protobuf',
      answer(400, { 'content-type': 'application/x-protobuf' }, encode('Status', { code: 3, message: 'bad unit' })),
      ': bad unit',
    ],
    [
      'of a status in protobuf that is long',
      answer(400, { 'content-type': 'application/x-protobuf' }, encode('Status', { message: `${'x'.repeat(140)}.` })),
      `: ${'x'.repeat(140)}.`,
    ],
    [
      'not of a message with fields that a status has not',
      // Field 1 in four bytes, and then a text that would be the message.
      answer(400, { 'content-type': 'application/x-protobuf' }, Buffer.from('\x0d\0\0\0\0\x12\x02hi', 'latin1')),
      '400 Bad Request',
    ],
    [
      'of a status in JSON',
      answer(400, { 'content-type': 'application/json' }, '{"code":3,"message":"bad unit"}'),
      ': bad unit',
    ],
    [
      'as they are, when it is not JSON after all',
      answer(400, { 'content-type': 'application/json' }, '{bad'),
      ': {bad',
    ],
    ['of one line', answer(400, {}, 'one\ntwo\u001b[31m'), ': one\ufffdtwo\ufffd[31m'],
    ['not of a web page', answer(400, { 'content-type': 'text/html' }, '<html>'), '400 Bad Request'],
    [
      'not of odd bytes',
      answer(400, { 'content-type': 'application/x-protobuf' }, Buffer.from([0xff, 0xff, 7])),
      '400 Bad Request',
    ],
    ['as they are, when that is said', answer(400, { 'content-encoding': 'identity' }, 'bad unit'), ': bad unit'],
    ['not what is compressed', answer(400, { 'content-encoding': 'gzip' }, gzipSync('no')), '400 Bad Request'],
    ['not at any length', answer(400, {}, long), 'x'],
  ])('%s', async (_, script, end) => {
    const { error } = await flushWith(script);
    expect(error?.message.endsWith(end)).toBe(true);
    expect(error?.message.length).toBeLessThan(400);
  });

  test('without our secrets, should it repeat them', async () => {
    const { error } = await flushWith(answer(401, {}, `wrong: ${forms.join(' ')}`));
    expect(error?.message).toContain('wrong: [redacted]');
  });

  test('without a key in the query, encoded or not', async () => {
    const receiver = await receiverOfTest();
    const key = 'CANARY key/4711';
    const backend = await backendOfTest({ endpoint: `${receiver.url}/?api-key=CANARY%20key%2f4711&v=2` });
    backend.write([execution()]);
    receiver.script(answer(404, {}, `${key} CANARY%20key%2f4711 no /v1/metrics?api-key=CANARY%20key%2f4711&v=2`));
    const error = await flush(backend).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringContaining('[redacted] [redacted] no /v1/metrics?[redacted]'),
    });
    expect(inspect(error, { depth: 12, showHidden: true })).not.toContain('CANARY');
  });

  test.each([
    ['Bearer glsa_SuperSecretToken123456', ['glsa_SuperSecretToken123456']],
    [`Basic ${basicOf('ada:SuperSecretPassword')}`, [basicOf('ada:SuperSecretPassword'), 'SuperSecretPassword']],
  ])('without what is in the header %s, scheme or not', async (authorization, hidden) => {
    const receiver = await receiverOfTest();
    const notices: unknown[] = [];
    const backend = await backendOfTest({
      endpoint: receiver.url,
      headers: { authorization },
      onNotice: (notice) => notices.push(notice),
    });
    backend.write([execution()]);
    receiver.script(answer(401, {}, `wrong: ${hidden.join(' ')}`));
    const error = await flush(backend).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(/: wrong:( \[redacted\])+; check OTLP_INSTANCE_ID and OTLP_TOKEN/),
    });
    for (const text of hidden) {
      expect(inspect([error, notices], { depth: 12, showHidden: true })).not.toContain(text);
    }
  });
});

const asJson = { 'content-type': 'application/json' };

trialOfTests('R27', 'OTLP: an answer that is not what it should be is no success', (add) => {
  describe('partial success', () => {
    const protobufOf = (rejected: number, errorMessage: string): Buffer =>
      encode('MetricsResponse', { partialSuccess: { rejected, errorMessage } });
    const protobuf = (rejected: number, message: string): Script =>
      answer(200, { 'content-type': 'application/x-protobuf' }, protobufOf(rejected, message));
    const jsonOf = (rejected: number | string, errorMessage: string): string =>
      JSON.stringify({ partialSuccess: { rejectedDataPoints: rejected, errorMessage } });
    const json = (rejected: number | string, message: string): Script =>
      answer(200, { 'content-type': 'application/json; charset=utf-8' }, jsonOf(rejected, message));

    test.each<[string, Script]>([
      ['protobuf', protobuf(2, 'out of order')],
      ['JSON', json(2, 'out of order')],
      ['JSON with numbers as texts', json('2', 'out of order')],
      ['a type in other letters', answer(200, { 'content-type': 'Application/JSON' }, jsonOf(2, 'out of order'))],
      ['bytes of no type, in the protocol of the push', answer(200, {}, protobufOf(2, 'out of order'))],
    ])('%s: rejects with the count and the words', async (_, script) => {
      const { ok, error, requests } = await flushWith(script, add);
      expect({ ok, requests }).toEqual({ ok: false, requests: 1 });
      expect(error).toMatchObject({ code: 'EVENTS_REJECTED' });
      expect(error?.message).toMatch(/refused 2 of what was sent: out of order$/);
    });

    test('without words says so', async () => {
      const { error } = await flushWith(protobuf(2, ''), add);
      expect(error?.message).toMatch(/refused 2 of what was sent: it does not say why$/);
    });

    test('with nothing refused is a warning: accepted, and told', async () => {
      const { ok, notices } = await flushWith(protobuf(0, 'deprecated unit'), add);
      expect(ok).toBe(true);
      expect(notices).toMatchObject([{ message: expect.stringMatching(/accepted, but says: deprecated unit$/) }]);
    });

    test.each<[string, Script]>([
      ['protobuf', answer(200, { 'content-type': 'application/x-protobuf' }, encode('MetricsResponse', {}))],
      ['empty JSON', answer(200, { 'content-type': 'application/json' }, '{}')],
      ['an empty partial success', json(0, '')],
      ['JSON that is said to be as it is', answer(200, { ...asJson, 'content-encoding': 'Identity' }, '{}')],
    ])('none in %s: accepted', async (_, script) => {
      expect(await flushWith(script, add)).toMatchObject({ ok: true, notices: [] });
    });

    test('is what a check tells, too, until a push is taken', async () => {
      const receiver = await receiverOfTest();
      const backend = await backendOfTest({ endpoint: receiver.url });
      backend.write([execution()]);
      receiver.script(protobuf(1, 'too old'));
      await expect(flush(backend)).rejects.toThrow('too old');
      await expect(check(backend)).rejects.toThrow('too old');
      receiver.script(answer(200));
      await check(backend);
      const count = receiver.requests.length;
      await check(backend);
      // What was pushed need not be pushed again to be sure of the receiver.
      expect(receiver.requests.slice(count).map(({ decoded }) => decoded().metrics)).toEqual([[]]);
    });

    test('a receiver that has room for empty exports alone is unhealthy from the first push on', async () => {
      const receiver = await receiverOfTest();
      const backend = await backendOfTest({ endpoint: receiver.url, retry: { maxAttempts: 1 } });
      receiver.script((response, index, request) => {
        const isEmpty = receiver.requests[index]?.decoded().metrics.length === 0;
        answer(isEmpty ? 200 : 503)(response, index, request);
      });
      backend.write([execution()]);
      await check(backend);
      await expect(flush(backend)).rejects.toThrow('503');
      await expect(check(backend)).rejects.toThrow('503');
      receiver.script(answer(200));
      await check(backend);
    });
  });

  test.each<[string, Script, string]>([
    ['a text in JSON', answer(200, asJson, '"ok"'), 'application/json'],
    ['a list', answer(200, asJson, '[]'), 'application/json'],
    ['nothing in JSON', answer(200, asJson, 'null'), 'application/json'],
    ['a message that is none', answer(200, asJson, '{"partialSuccess":{"errorMessage":5}}'), 'application/json'],
    [
      'a count that is none',
      answer(200, asJson, '{"partialSuccess":{"rejectedDataPoints":"few"}}'),
      'application/json',
    ],
    ['a web page', answer(200, { 'content-type': 'text/html' }, '<html>Please log in</html>'), 'text/html'],
    ['plain text', answer(200, { 'content-type': 'text/plain' }, 'ok'), 'text/plain'],
    ['broken JSON', answer(200, asJson, '{"partial'), 'application/json'],
    [
      'broken protobuf',
      answer(200, { 'content-type': 'application/x-protobuf' }, Buffer.from([0x0a, 0xff])),
      'application/x-protobuf',
    ],
    ['broken bytes of no type', answer(200, {}, Buffer.from([0x0a, 0xff])), 'an unknown type'],
    ['something compressed', answer(200, { ...asJson, 'content-encoding': 'br' }, '{}'), 'application/json'],
    ['a gigabyte', (response) => endless(response.writeHead(200, asJson)), 'more than 65536 bytes'],
  ])('200 with %s is no acceptance', async (_, script, what) => {
    const { ok, error, requests } = await flushWith(script, add);
    expect({ ok, requests }).toEqual({ ok: false, requests: 1 });
    const message = `answered 200, but with ${what} that is no answer of an OTLP receiver; is the address right?`;
    expect(error).toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringContaining(message) });
  });
});

test('an answer of 64 KiB is read to its end', async () => {
  const script = answer(200, { 'content-type': 'application/json' }, '{}'.padEnd(65_536));
  expect(await flushWith(script)).toMatchObject({ ok: true, requests: 1 });
});

/** Writes as long as anybody reads: what would be an answer, if it had an end. */
function endless(response: ServerResponse): void {
  response.write('{}');
  const chunk = Buffer.alloc(65_536, ' ');
  const write = (): void => {
    while (!response.destroyed && response.write(chunk)) {
      // As much as the connection takes.
    }
  };
  response.on('drain', write);
  write();
}

trialOfTests('R31', 'OTLP: a redirect leads nowhere, and no request reaches its target', (add) => {
  test.each([301, 302, 303, 307, 308])('%i', async (status) => {
    const target = await receiverOfTest();
    const { ok, error } = await flushWith(answer(status, { location: `${target.url}/stolen?key=1` }), add);
    expect(ok).toBe(false);
    expect(error?.message).toContain(
      `answered ${status}, a redirect to ${target.url}/stolen; redirects are not followed`,
    );
    add('requestsAtTheTarget', target.requests.length);
    expect(target.requests).toEqual([]);
  });

  test.each<Record<string, string>>([{}, { location: 'http://' }])('nowhere: %j', async (headers) => {
    const { error } = await flushWith(answer(307, headers), add);
    expect(error?.message).toContain('answered 307, a redirect; redirects are not followed');
  });
});

describe('check', () => {
  test('is one empty request', async () => {
    for (const protocol of ['http/protobuf', 'http/json'] as const) {
      const receiver = await receiverOfTest();
      const backend = await backendOfTest({ endpoint: receiver.url, protocol });
      backend.write([execution()]);
      await check(backend);
      expect(receiver.requests).toHaveLength(1);
      expect(receiver.requests[0]?.decoded().metrics).toEqual([]);
    }
  });

  test.each([307, 401, 404, 429, 503])('%i: rejects after one request', async (status) => {
    const receiver = await receiverOfTest();
    const backend = await backendOfTest({ endpoint: receiver.url, instanceId, token });
    receiver.script(answer(status, {}, token));
    const error = await check(backend).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: expect.stringContaining(`answered ${status}`) });
    showsNoToken(error);
    expect(receiver.requests).toHaveLength(1);
  });
});
