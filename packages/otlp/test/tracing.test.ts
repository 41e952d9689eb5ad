import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { type Context, type ContextManager, context, ROOT_CONTEXT } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { rating } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test } from 'vitest';
import { backendOfTest, check, flush, receiverOfTest } from './support/pushed.ts';

/** Like that of OpenTelemetry's SDK for Node. */
function contextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...given) => storage.run(active, () => run.apply(self as never, given)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

/** Paths of the requests that start from now on, and whether an instrumentation of `node:http` would leave them out. */
function watchRequests(): [path: string, isSuppressed: boolean][] {
  const started: [string, boolean][] = [];
  const name = 'http.client.request.start';
  const onStart = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest };
    started.push([request.path, isTracingSuppressed(context.active())]);
  };
  subscribe(name, onStart);
  context.setGlobalContextManager(contextManager());
  onTestFinished(() => {
    unsubscribe(name, onStart);
    context.disable();
  });
  return started;
}

test('a host that traces its requests traces none of ours, in no attempt', async () => {
  const started = watchRequests();
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ endpoint: receiver.url, evaluationEvents: true });
  const refusedOnce = new Set<string | undefined>();
  receiver.script((response, _, { url }) => {
    response.writeHead(refusedOnce.has(url) ? 200 : 503).end();
    refusedOnce.add(url);
  });
  backend.write([rating()]);
  await flush(backend);
  await check(backend);
  const paths = started.map(([path]) => path);
  expect(paths.sort()).toEqual(['/v1/logs', '/v1/logs', '/v1/metrics', '/v1/metrics', '/v1/metrics']);
  expect(started.filter(([, isSuppressed]) => !isSuppressed)).toEqual([]);
});
