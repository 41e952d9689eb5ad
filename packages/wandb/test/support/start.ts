import type { AnalyticsError, Backend } from '@toolweaver/analytics-core';
import { type RunClientOptions, startRun, type WandbOptions, type WandbRun, wandb } from '@toolweaver/analytics-wandb';
import { onTestFinished } from 'vitest';
import { apiKey, type FakeService, fakeService } from './fake-service.ts';
import { testFolder } from './folder.ts';

interface Place {
  readonly fake: FakeService;
  readonly folder: string;
  /** Messages of what the host was told. */
  readonly notices: string[];
  readonly options: RunClientOptions & WandbOptions;
}

/** A service that goes when the test is over, and options to use it. */
export async function place(): Promise<Place> {
  const fake = await fakeService();
  onTestFinished(fake.close);
  const folder = testFolder();
  const notices: string[] = [];
  const onNotice = ({ message }: AnalyticsError): void => {
    notices.push(message);
  };
  return {
    fake,
    folder,
    notices,
    options: { apiKey, baseUrl: fake.url, dir: folder, runId: 'run1', finishTimeoutMs: 10_000, onNotice },
  };
}

/** A run of the client on a service of its own; ended when the test is over. */
export async function runAt(options: RunClientOptions = {}): Promise<Place & { readonly run: WandbRun }> {
  const there = await place();
  const run = await startRun({ ...there.options, ...options });
  onTestFinished(() => run.finish({ timeoutMs: 1 }));
  return { ...there, run };
}

export async function backendAt(options: WandbOptions = {}): Promise<Place & { readonly backend: Backend }> {
  const there = await place();
  const backend = await wandb({ ...there.options, ...options });
  onTestFinished(() => backend.close?.());
  return { ...there, backend };
}
