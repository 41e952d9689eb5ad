import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { prometheus } from '@toolweaver/analytics-prometheus';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { trialOfTests } from '../../../test/support/trial.ts';
import { observe } from './support/observe.ts';
import { serve } from './support/serve.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

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
    const notices: AnalyticsError[] = [];
    const second = await prometheus({ port: first.port as number, onNotice: (notice) => notices.push(notice) });
    const clients = [first, second].map((backend) => createAnalytics({ backends: [backend] }));
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
    expect(notices).toHaveLength(1);
    clients[0]?.recordSkillRating({ skillId: 'a', rating: 5 });
    clients[1]?.recordSkillRating({ skillId: 'b', rating: 1 });
    expect(observe(await first.scrape()).ratings).toEqual([{ skillId: 'a', count: 1, sum: 5 }]);
    expect(observe(await second.scrape()).ratings).toEqual([{ skillId: 'b', count: 1, sum: 1 }]);
    for (const client of clients) {
      ledgerHolds(client.stats());
    }
  });

  // Some other program may get it in between.
  test('a port is free again after close, also while a scraper keeps its connection', { retry: 2 }, async () => {
    const backend = await prometheus({ port: 0 });
    const { port = 0, url = '' } = backend;
    await (await fetch(url)).text();
    await backend.close?.();
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    expect((server.address() as AddressInfo).port).toBe(port);
    server.close();
  });
});

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
