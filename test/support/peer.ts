import { type TestAPI, test } from 'vitest';

/** `test` for tests that need another program. Without it they are skipped, or fail if `REQUIRE_PEERS` is 1. */
export function testWith(isThere: boolean, peer: string): (name: string, fn: () => Promise<void>) => void {
  const run: TestAPI | TestAPI['skip'] = isThere || process.env['REQUIRE_PEERS'] === '1' ? test : test.skip;
  return (name, fn) => {
    run(isThere ? name : `${name} (skipped: ${peer} is not there)`, async () => {
      if (!isThere) {
        throw new Error(`${peer} is not there, and REQUIRE_PEERS is 1`);
      }
      await fn();
    });
  };
}
