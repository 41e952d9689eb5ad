import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { failureReason } from '@toolweaver/analytics-core/backend';
import { expect, test } from 'vitest';

const coded = (message: string, code: unknown) => Object.assign(new Error(message), { code });
const refused = ['::1', '127.0.0.1'].map((host) => coded(`connect ECONNREFUSED ${host}:1`, 'ECONNREFUSED'));
const eachRefused = 'connect ECONNREFUSED ::1:1, connect ECONNREFUSED 127.0.0.1:1';

test.each<[string, unknown, string]>([
  ['has words', new Error('read ECONNRESET'), 'read ECONNRESET'],
  ['has a code besides', coded('other side closed', 'UND_ERR_SOCKET'), 'other side closed (UND_ERR_SOCKET)'],
  ['has its code in its words', refused[0], 'connect ECONNREFUSED ::1:1'],
  ['has nothing but a code', coded('', 'ECONNRESET'), 'ECONNRESET'],
  ['has neither', new TypeError(''), 'TypeError'],
  [
    'has a number as its code',
    new DOMException('The operation was aborted', 'AbortError'),
    'The operation was aborted',
  ],
  ['fetch wraps', new TypeError('fetch failed', { cause: coded('bad', 'HPE_X') }), 'bad (HPE_X)'],
  ['fetch does not wrap', new TypeError('Invalid header'), 'Invalid header'],
  ['has a cause of its own', new Error('no way to the proxy', { cause: refused[0] }), 'no way to the proxy'],
  ['is one of each address', new AggregateError(refused), eachRefused],
  ['is one of each address, by fetch', new TypeError('x', { cause: new AggregateError(refused) }), eachRefused],
  ['is one of no address', Object.assign(new AggregateError([]), { code: 'ETIMEDOUT' }), 'AggregateError (ETIMEDOUT)'],
  ['is no error', null, 'null'],
  ['is a text', 'enough', 'enough'],
])('a failure that %s', (_, thrown, expected) => {
  expect(failureReason(thrown)).toBe(expected);
});

test('fetch and node:http give the same reason', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const url = `http://127.0.0.1:${port}`;
  const thrown = await Promise.all([
    fetch(url).catch((error: unknown) => error),
    new Promise((resolve) => get(url).once('error', resolve)),
  ]);
  const reason = `connect ECONNREFUSED 127.0.0.1:${port}`;
  expect(thrown.map(failureReason)).toEqual([reason, reason]);
});
