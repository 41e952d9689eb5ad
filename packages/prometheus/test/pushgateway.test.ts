import { setTimeout as sleep } from 'node:timers/promises';
import { type AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { type PushgatewayOptions, prometheus } from '@toolweaver/analytics-prometheus';
import { execution } from '@toolweaver/analytics-testkit';
import { Gauge, Registry } from 'prom-client';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { isInstalled, startDaemon } from '../../../test/support/daemon.ts';
import { testWith } from '../../../test/support/peer.ts';
import { startGateway } from './support/gateway.ts';
import { observe } from './support/observe.ts';
import { parse, type Sample } from './support/parse.ts';
import { serve } from './support/serve.ts';

const command = 'prometheus-pushgateway';
const testWithGateway = testWith(isInstalled(command), command);

async function realGateway(): Promise<string> {
  const daemon = await startDaemon({
    command,
    args: (address) => [`--web.listen-address=${address}`, '--log.level=error'],
    readyPath: '/-/ready',
  });
  onTestFinished(daemon.stop);
  return daemon.url;
}

async function open(pushgateway: PushgatewayOptions, notices: AnalyticsError[] = []) {
  const backend = await prometheus({ pushgateway, onNotice: (notice) => notices.push(notice) });
  onTestFinished(() => backend.close?.());
  return backend;
}

/** What the gateway shows of our executions. */
async function shown(url: string): Promise<readonly Sample[]> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return parse(text).get('toolweaver_skill_executions_total')?.samples ?? [];
}

describe('a real Pushgateway', () => {
  testWithGateway('is unhealthy while it refuses what is pushed', async () => {
    const url = await realGateway();
    const [name, other] = ['toolweaver_skill_executions_total', `${url}/metrics/job/other`];
    await fetch(other, { method: 'PUT', body: `# TYPE ${name} gauge\n${name}{skill_id="a"} 1\n` });
    const backend = await open({ url, intervalMs: 0, grouping: { instance: 'ours' } });
    const check = () => backend.check?.(AbortSignal.timeout(30_000));
    await backend.write([execution({ name: 'a' })]);
    await check();
    await expect(backend.flush?.(AbortSignal.timeout(30_000))).rejects.toMatchObject({ code: 'EVENTS_REJECTED' });
    await expect(check()).rejects.toMatchObject({ code: 'EVENTS_REJECTED' });
    await fetch(other, { method: 'DELETE' });
    await check();
    expect(await shown(url)).toMatchObject([{ labels: { job: 'toolweaver', instance: 'ours' } }]);
  });

  testWithGateway('takes what is pushed, under any job and grouping', async () => {
    const url = await realGateway();
    const groupings = [
      { job: 'plain', grouping: {} },
      { job: 'nightly/receipts', grouping: { instance: 'https://eu-1/a b', shard: '3' } },
      { job: 'ünï cödé?#%', grouping: { empty: '', quote: '"\\\n' } },
      { job: '.', grouping: { instance: 'a' } },
      { job: 'batch', grouping: { dir: '..', instance: 'a' } },
    ];
    for (const { job, grouping } of groupings) {
      const backend = await open({ url: `${url}/`, job, grouping, intervalMs: 0 });
      await backend.write([execution({ name: job, latencyMs: 30 })]);
      await backend.flush?.(AbortSignal.timeout(30_000));
      await backend.check?.(AbortSignal.timeout(30_000));
    }
    const samples = await shown(url);
    expect(samples).toHaveLength(groupings.length);
    for (const { job, grouping } of groupings) {
      const labels = Object.entries({ job, ...grouping, skill_id: job }).filter(([, value]) => value !== '');
      expect(samples.find((sample) => sample.labels['job'] === job)).toMatchObject({
        labels: Object.fromEntries(labels),
        value: 1,
      });
    }
  });

  testWithGateway('replaces the group or adds to it, and takes it away', async () => {
    const url = await realGateway();
    const backend = await open({ url, intervalMs: 0 });
    const others = async (): Promise<boolean> => parse(await (await fetch(`${url}/metrics`)).text()).has('other');
    await backend.write([execution({ name: 'a' })]);
    const group = `${url}/metrics/job/toolweaver`;
    await fetch(group, { method: 'PUT', body: '# HELP other x\n# TYPE other gauge\nother 1\n' });
    await backend.pushgateway?.add();
    expect([await others(), (await shown(url)).length]).toEqual([true, 1]);
    await backend.pushgateway?.push();
    expect([await others(), (await shown(url)).length]).toEqual([false, 1]);
    await backend.pushgateway?.delete();
    // It says yes before it has done so.
    await expect.poll(() => shown(url), { timeout: 30_000 }).toEqual([]);
  });

  testWithGateway('keeps what a batch job had counted at its end, or not', async () => {
    const url = await realGateway();
    for (const deleteOnClose of [false, true]) {
      const backend = await prometheus({ pushgateway: { url, job: `${deleteOnClose}`, deleteOnClose } });
      const client = createAnalytics({ backends: [backend] });
      client.recordSkillExecution({ skillId: 'a', success: true });
      await client.flush();
      client.recordSkillExecution({ skillId: 'a', success: true });
      await client.close();
    }
    // It answers a DELETE before it has done so.
    await vi.waitFor(async () => {
      expect((await shown(url)).map(({ labels, value }) => [labels['job'], value])).toEqual([['false', 2]]);
    }, 10_000);
  });

  testWithGateway('says why it refuses', async () => {
    const url = await realGateway();
    const backend = await open({ url: `${url}/nowhere`, intervalMs: 0 });
    await expect(backend.pushgateway?.push()).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/PUT .*\/nowhere\/metrics\/job\/toolweaver was answered with 404/),
    });
  });
});

test('pushes come on an interval, one failure is told once, and the interval goes on', async () => {
  const gateway = await startGateway();
  onTestFinished(gateway.close);
  const notices: AnalyticsError[] = [];
  const backend = await open({ url: gateway.url, intervalMs: 100 }, notices);
  const pushed = () => observe(gateway.groups.get('/metrics/job/toolweaver') ?? '\n').executions;
  await backend.write([execution({ name: 'a' })]);
  await vi.waitFor(() => expect(pushed()).toMatchObject([{ name: 'a', count: 1 }]), 30_000);
  gateway.isBroken = true;
  await vi.waitFor(() => expect(notices).toHaveLength(1), 30_000);
  await backend.write([execution({ name: 'a' })]);
  await sleep(300);
  expect(notices).toHaveLength(1);
  gateway.isBroken = false;
  await vi.waitFor(() => expect(pushed()).toMatchObject([{ count: 2 }]), 30_000);
});

test('with mode add it adds on the interval and at the end, and is silent after that', async () => {
  const gateway = await startGateway();
  onTestFinished(gateway.close);
  const backend = await open({ url: gateway.url, intervalMs: 100, mode: 'add' });
  await vi.waitFor(() => expect(gateway.requests.length).toBeGreaterThan(1), 30_000);
  const before = gateway.requests.length;
  await backend.close?.();
  const after = gateway.requests.length;
  expect(after).toBeGreaterThan(before);
  await sleep(300);
  expect(gateway.requests).toHaveLength(after);
  expect(new Set(gateway.requests.map(({ method }) => method))).toEqual(new Set(['POST']));
});

test('while a push is not answered the interval begins no other', async () => {
  let asked = 0;
  const server = await serve(() => {
    asked += 1;
  });
  onTestFinished(server.close);
  await open({ url: server.url, intervalMs: 100, timeoutMs: 60_000 });
  await vi.waitFor(() => expect(asked).toBe(1), 30_000);
  await sleep(350);
  expect(asked).toBe(1);
  // Else the end would wait for its answer.
  await server.close();
});

test.each(['was away', 'has not answered a flush'])(
  'the last push to a gateway that %s has less than a second',
  async (how) => {
    let isBroken = how === 'was away';
    const server = await serve((_, response) => {
      if (isBroken) {
        response.destroy();
      }
    });
    onTestFinished(server.close);
    const notices: AnalyticsError[] = [];
    const backend = await open({ url: server.url, intervalMs: isBroken ? 100 : 0, timeoutMs: 600_000 }, notices);
    if (isBroken) {
      await vi.waitFor(() => expect(notices).toHaveLength(1), 30_000);
      isBroken = false;
    } else {
      await expect(backend.flush?.(AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    }
    // With its whole time this would outlast the test.
    await backend.close?.();
  },
);

test('a gateway that does not answer keeps neither the port nor the end of a client waiting', async () => {
  const server = await serve(() => {});
  onTestFinished(server.close);
  const backend = await prometheus({ port: 0, pushgateway: { url: server.url, intervalMs: 0, timeoutMs: 5000 } });
  const client = createAnalytics({ backends: [backend] });
  const { ok } = await client.close({ timeoutMs: 500 });
  expect({ ok, url: backend.url }).toEqual({ ok: false, url: undefined });
});

test('the authorization goes to the gateway, and to nobody else', async () => {
  const elsewhere = await startGateway();
  onTestFinished(elsewhere.close);
  const server = await serve((_, response) => response.writeHead(307, { location: `${elsewhere.url}/x` }).end());
  onTestFinished(server.close);
  const gateway = await startGateway();
  onTestFinished(gateway.close);
  const authorization = 'Bearer t0ken';
  await (await open({ url: gateway.url, authorization, intervalMs: 0 })).pushgateway?.push();
  expect(gateway.requests).toEqual([{ method: 'PUT', path: '/metrics/job/toolweaver', authorization }]);
  const redirected = await open({ url: server.url, authorization, intervalMs: 0 });
  await expect(redirected.pushgateway?.push()).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  expect(elsewhere.requests).toEqual([]);
});

test.each([
  ['Bearer s3cr3t-token', 's3cr3t-token'],
  [`Basic ${Buffer.from('ada:s3cr3t-password').toString('base64')}`, 's3cr3t-password'],
])('a gateway that repeats what is in %s does not make it known', async (authorization, hidden) => {
  const server = await serve((_, response) =>
    response.writeHead(401).end(`not ${authorization.split(' ')[1]}, ${hidden}`),
  );
  onTestFinished(server.close);
  const backend = await open({ url: server.url, authorization, intervalMs: 0 });
  await expect(backend.pushgateway?.push()).rejects.toThrow(/: not \[redacted\], \[redacted\]$/);
});

test.each([
  [
    'a web page',
    'text/html; charset=utf-8',
    '<!DOCTYPE html>\n<html>\n  <p>s3cr3t-token</p>\n</html>',
    'Not Found (a web page)',
  ],
  [
    'several lines',
    'text/plain',
    'no such path:\r\n\t"/metrics"\0\u001b[31m s3cr3t-token\n',
    'no such path: "/metrics" [31m [redacted]',
  ],
  ['nothing', 'text/plain', '', 'Not Found'],
])('what another server says with %s is one short line', async (_, type, body, said) => {
  const server = await serve((_, response) => response.writeHead(404, { 'content-type': type }).end(body));
  onTestFinished(server.close);
  const backend = await open({ url: server.url, authorization: 'Bearer s3cr3t-token', intervalMs: 0 });
  await expect(backend.pushgateway?.push()).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: `prometheus: PUT ${server.url}/metrics/job/toolweaver was answered with 404: ${said}`,
  });
});

test('a secret that an answer gives in pieces is not made known either', async () => {
  const authorization = `Bearer ${'s3cr3t'.repeat(50)}`;
  const server = await serve((_, response) => {
    response.writeHead(401).write(`${'x'.repeat(400)}${authorization.slice(0, 207)}`);
    setTimeout(() => response.end(authorization.slice(207)), 50);
  });
  onTestFinished(server.close);
  const backend = await open({ url: server.url, authorization, intervalMs: 0 });
  const error = await backend.pushgateway?.push().catch((thrown: Error) => thrown);
  const message = error?.message ?? '';
  expect(message).toMatch(/x\[redacted\]$/);
  expect(message).not.toContain('s3cr3t');
});

test('metrics that are never written hold up neither a push nor the end', async () => {
  const gateway = await startGateway();
  onTestFinished(gateway.close);
  const registry = new Registry();
  new Gauge({ name: 'stuck', help: 'Never read.', registers: [registry], collect: () => new Promise(() => {}) });
  const backend = await prometheus({
    port: 0,
    registry,
    pushgateway: { url: gateway.url, intervalMs: 0, timeoutMs: 200 },
  });
  await expect(backend.flush?.(AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  await expect(backend.pushgateway?.push()).rejects.toThrow('took longer than 200 ms');
  await backend.close?.();
  expect(backend.url).toBeUndefined();
  expect(gateway.requests).toEqual([]);
});

test('a push that waits for its turn can be called off', async () => {
  const server = await serve(() => {});
  onTestFinished(server.close);
  const backend = await open({ url: server.url, intervalMs: 0, timeoutMs: 2000 });
  const isCalledOff = { code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('was aborted') };
  const calledOff = new AbortController();
  const slow = backend.pushgateway?.push(calledOff.signal);
  // Nothing but its own signal ends it: the push before it goes on.
  await expect(backend.flush?.(AbortSignal.timeout(50))).rejects.toMatchObject(isCalledOff);
  await expect(backend.pushgateway?.push(AbortSignal.abort(null))).rejects.toMatchObject(isCalledOff);
  calledOff.abort();
  await expect(slow).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});

test('a flush that is called off ends', async () => {
  const server = await serve(() => {});
  onTestFinished(server.close);
  const backend = await open({ url: server.url, intervalMs: 0, timeoutMs: 1000 });
  await expect(backend.flush?.(AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});
