import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Agent, get } from 'node:http';
import { Server as NetServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { prometheus } from '@toolweaver/analytics-prometheus';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { trialOfTests } from '../../../test/support/trial.ts';
import { observe } from './support/observe.ts';
import { serve } from './support/serve.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

/** Empty where nobody answers. */
function textOf(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    get(url, { agent, signal: AbortSignal.timeout(30_000) }, (response) => {
      text(response).then(resolve, () => resolve(''));
    }).once('error', () => resolve(''));
  });
}

function failToListenOnce(code: string): void {
  const listen = vi.spyOn(NetServer.prototype, 'listen').mockImplementationOnce(function (this: NetServer) {
    setImmediate(() => this.emit('error', Object.assign(new Error(`listen ${code}`), { code })));
    return this;
  });
  onTestFinished(() => listen.mockRestore());
}

trialOfTests('R34', 'Prometheus: a port in use harms nobody, and is taken once it is free', () => {
  test('a port in use harms nobody: one message, metrics are counted, and the port is taken when it is free', async () => {
    const other = await serve((_, response) => response.end('another program'));
    const notices: AnalyticsError[] = [];
    const backend = await prometheus({ port: other.port, onNotice: (notice) => notices.push(notice) });
    const client = createAnalytics({ backends: [backend] });
    onTestFinished(async () => void (await client.close()));
    client.recordSkillExecution({ skillId: 'parse', success: true });

    expect(notices.map(({ code, message }) => [code, message])).toEqual([
      ['BACKEND_UNAVAILABLE', expect.stringMatching(new RegExp(`port ${other.port} of 127.0.0.1 is in use`))],
    ]);
    expect(backend.url).toBeUndefined();
    const { backends } = await client.healthCheck();
    expect(backends['prometheus']?.error?.message).toContain('is in use');
    expect((await backend.scrape()).includes('toolweaver_skill_executions_total{skill_id="parse"} 1')).toBe(true);

    await other.close();
    await vi.waitFor(() => expect(backend.url).toBeDefined(), { timeout: 30_000, interval: 50 });
    expect((await client.healthCheck()).healthy).toBe(true);
    const text = await (await fetch(backend.url as string)).text();
    expect(observe(text).executions).toMatchObject([{ name: 'parse', count: 1 }]);
    expect(notices).toHaveLength(1);
    ledgerHolds(client.stats());
  });

  test('a client that never got its port ends all the same', async () => {
    const other = await serve((_, response) => response.end());
    onTestFinished(other.close);
    const backend = await prometheus({ port: other.port });
    const client = createAnalytics({ backends: [backend], onError() {} });
    client.recordSkillExecution({ skillId: 'parse', success: true });
    await client.close();
    ledgerHolds(client.stats());
    await expect(backend.check?.(AbortSignal.timeout(1000))).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });

  test('two clients of one process and one port: the second lives, and each counts its own', async () => {
    const first = await prometheus({ port: 0 });
    const errors: AnalyticsError[] = [];
    const second = await prometheus({ port: first.port as number });
    const onError = (error: AnalyticsError): unknown => errors.push(error);
    const clients = [first, second].map((backend) => createAnalytics({ backends: [backend], onError }));
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
    // Without an onNotice the client reports it.
    expect(errors).toMatchObject([{ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('is in use') }]);
    clients[0]?.recordSkillRating({ skillId: 'a', rating: 5 });
    clients[1]?.recordSkillRating({ skillId: 'b', rating: 1 });
    expect(observe(await first.scrape()).ratings).toEqual([{ skillId: 'a', count: 1, sum: 5 }]);
    expect(observe(await second.scrape()).ratings).toEqual([{ skillId: 'b', count: 1, sum: 1 }]);
    for (const client of clients) {
      ledgerHolds(client.stats());
    }
  });

  test('after close nobody answers at the port, nor on a connection that a scraper keeps', async () => {
    const backend = await prometheus({ port: 0 });
    const client = createAnalytics({ backends: [backend] });
    // By this the answer is told from that of another program, which may have got the port by then.
    const skillId = randomUUID();
    client.recordSkillExecution({ skillId, success: true });
    const scraper = new Agent({ keepAlive: true });
    onTestFinished(() => scraper.destroy());
    const url = backend.url as string;
    expect(await textOf(url, scraper)).toContain(skillId);
    await client.close();
    expect(await textOf(url, scraper)).not.toContain(skillId);
    expect(await textOf(url, new Agent())).not.toContain(skillId);
  });
});

test.each(['EMFILE', 'ENOBUFS'])('a machine that has no room for a server, %s, is asked again', async (code) => {
  failToListenOnce(code);
  const notices: AnalyticsError[] = [];
  const backend = await prometheus({ port: 0, onNotice: (notice) => notices.push(notice) });
  onTestFinished(() => backend.close?.());
  const failure = { code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining(`cannot be had (listen ${code})`) };
  expect([backend.url, notices]).toEqual([undefined, [expect.objectContaining(failure)]]);
  await expect(backend.check?.(AbortSignal.timeout(30_000))).rejects.toMatchObject(failure);
  await vi.waitFor(() => expect(backend.url).toBeDefined(), { timeout: 30_000, interval: 50 });
  await backend.check?.(AbortSignal.timeout(30_000));
  expect(notices).toHaveLength(1);
});

test.each(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL', 'ENOTFOUND', 'EAI_AGAIN'])(
  '%s is about the host',
  async (code) => {
    failToListenOnce(code);
    await expect(prometheus({ port: 0 })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      problems: [{ field: 'host' }],
    });
  },
);

test.skipIf(!hasIpv6)('an address of IPv6 stands in brackets in the URL', async () => {
  const backend = await prometheus({ port: 0, host: '::1' });
  onTestFinished(() => backend.close?.());
  expect(backend.url).toBe(`http://[::1]:${backend.port}/metrics`);
  expect((await fetch(backend.url ?? '')).status).toBe(200);
  await backend.check?.(AbortSignal.timeout(30_000));
});

test('what listens on all addresses is probed on this machine', async () => {
  const backend = await prometheus({ port: 0, host: '0.0.0.0' });
  onTestFinished(() => backend.close?.());
  expect(backend.url).toMatch(/^http:\/\/127\.0\.0\.1:/);
  await backend.check?.(AbortSignal.timeout(30_000));
});

test.each([
  ['a program that has nothing else to do ends, although it could be scraped, and was', 'scraped-once', '200\n'],
  ['workers of a cluster that would each show their own metrics do not share a port', 'own-ports', '2\n'],
])('%s', (_, fixture, printed) => {
  const program = join(import.meta.dirname, 'fixtures', `${fixture}.ts`);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=@toolweaver/source', program], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: printed, stderr: '' });
});
