import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { execution } from '@toolweaver/analytics-testkit';
import { expect } from 'vitest';
import { everyKind } from './support/all-metrics.ts';
import { peers, testWith } from './support/peers.ts';
import { backendOfTest, flush, receiverOfTest } from './support/pushed.ts';
import { decode, unpack } from './support/wire.ts';

testWith('python', 'the official protobuf classes read what our decoder reads, and know every field', async () => {
  const receiver = await receiverOfTest();
  for (const buckets of ['explicit', 'exponential'] as const) {
    const backend = await backendOfTest({ endpoint: receiver.url, buckets, semconv: 'both', maxLabelSets: 10 });
    backend.write(everyKind());
    backend.write(
      Array.from({ length: 30 }, (_, at) => execution({ name: `ключ-${at}`, latencyMs: at * 1000, weight: 1.25 })),
    );
    await flush(backend);
  }
  const input = receiver.requests.map(({ headers, bytes }) => unpack(headers, bytes).toString('base64')).join('\n');
  const script = join(import.meta.dirname, 'support', 'decode.py');
  const { status, stdout, stderr } = spawnSync(peers.python, [script], { input, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(2);
  for (const [at, line] of lines.entries()) {
    // What the classes say in JSON is OTLP's own JSON, but for the names of enumerations.
    const json = line.replaceAll('"AGGREGATION_TEMPORALITY_CUMULATIVE"', '2');
    const theirs = decode('/v1/metrics', { 'content-type': 'application/json' }, Buffer.from(json));
    expect(theirs.metrics.length).toBeGreaterThan(20);
    expect(sorted(receiver.requests[at]?.decoded())).toEqual(sorted(theirs));
  }
});

/** Zeros that proto3 does not send are left out by one reader and shown by the other. */
function sorted(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, one: unknown) =>
      typeof one === 'object' && one !== null && !Array.isArray(one)
        ? Object.fromEntries(
            Object.entries(one)
              .filter(([, field]) => field !== 0)
              .sort(),
          )
        : one,
    ),
  );
}
