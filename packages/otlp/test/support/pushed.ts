import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { type OtlpBackend, type OtlpOptions, otlp } from '@toolweaver/analytics-otlp';
import { onTestFinished } from 'vitest';
import { type Receiver, startReceiver } from './receiver.ts';
import type { Decoded, Point } from './wire.ts';

/** A receiver that ends with the test. */
export async function receiverOfTest(): Promise<Receiver> {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.stop());
  return receiver;
}

/** A backend that ends with the test, unless that closes it; it never pushes by itself, and tries again at once. */
export async function backendOfTest(options: OtlpOptions): Promise<OtlpBackend> {
  const backend = await otlp({
    pushIntervalMs: 86_400_000,
    retry: { minDelayMs: 1, maxDelayMs: 2 },
    random: () => 0.5,
    ...options,
  });
  onTestFinished(async () => {
    await backend.close?.();
  });
  return backend;
}

/** What a receiver is sent of these events. */
export async function pushed(events: readonly AnalyticsEvent[], options: OtlpOptions = {}): Promise<Decoded> {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ endpoint: receiver.url, ...options });
  backend.write(events);
  await flush(backend);
  const [request] = receiver.requests.slice(-1);
  if (request === undefined) {
    throw new Error('nothing was sent');
  }
  return request.decoded();
}

export function flush(backend: OtlpBackend, signal: AbortSignal = new AbortController().signal): Promise<void> {
  return backend.flush?.(signal) ?? Promise.reject(new Error('there is no flush()'));
}

export function check(backend: OtlpBackend): Promise<void> {
  return backend.check?.(new AbortController().signal) ?? Promise.reject(new Error('there is no check()'));
}

/** The points of a metric; none when it was not sent. */
export function pointsOf({ metrics }: Decoded, name: string): readonly Point[] {
  return metrics.filter((metric) => metric.name === name).flatMap(({ points }) => points);
}
