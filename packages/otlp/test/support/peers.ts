import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'vitest';

/** Where `scripts/otlp-peers.mjs` puts programs that are not ours. */
const folder: string = join(import.meta.dirname, '..', '..', '..', '..', '.cache', 'peers');

/** Programs that are not ours, and how they are come by. */
export const peers: Readonly<Record<'python' | 'victoriaMetrics', string>> = {
  python: join(folder, 'opentelemetry-proto', 'bin', 'python'),
  victoriaMetrics: join(folder, 'victoria-metrics', 'usr', 'bin', 'victoria-metrics'),
};

/**
 * A test that needs a program that is not ours: where it is not there the test is skipped, and says so; with `REQUIRE_PEERS`
 * set it fails.
 */
export function testWith(
  peer: keyof typeof peers,
  name: string,
  run: (context: TestContext) => unknown,
  timeoutMs?: number,
): void {
  const isThere = existsSync(peers[peer]);
  test(
    name,
    async (context) => {
      if (!isThere && !process.env['REQUIRE_PEERS']) {
        context.skip(`needs ${peers[peer]}: node scripts/otlp-peers.mjs`);
      }
      await run(context);
    },
    timeoutMs,
  );
}
