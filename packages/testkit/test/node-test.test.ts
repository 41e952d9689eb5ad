import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

/** Runs a file of tests under node:test, and returns what it says in TAP. */
async function nodeTest(file: URL): Promise<{ code: number; tap: string }> {
  const options = ['--test', '--test-reporter=tap', '--conditions=@toolweaver/source'];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [...options, fileURLToPath(file)]);
    return { code: 0, tap: stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, tap: stdout };
  }
}

describe('under node:test', () => {
  test('a backend that keeps the laws passes, and what does not apply is skipped', async () => {
    const { code, tap } = await nodeTest(new URL('./samples/json-lines-proof.ts', import.meta.url));
    expect(tap).toMatch(/^# fail 0$/m);
    expect(tap).toMatch(/^ *ok \d+ - names are told apart$/m);
    expect(tap).toMatch(/^ *ok \d+ - the summary agrees with the far side # SKIP the backend has no reader$/m);
    expect(code).toBe(0);
  });

  test('a backend that breaks a law fails', async () => {
    const { code, tap } = await nodeTest(new URL('./samples/broken-laws.ts', import.meta.url));
    expect(code).toBe(1);
    expect(tap).toMatch(/^ *not ok \d+ - an agent, a search and an operation of one name are told apart$/m);
    expect(tap).toContain('the far side differs from what was delivered');
    expect(tap).toMatch(/^ *not ok \d+ - ratings arrive \[skipped: this law holds, so the skip is wrong\]$/m);
    expect(tap).toMatch(/^ *ok \d+ - two backends share nothing$/m);
  });

  test('the helpers work', async () => {
    const { code, tap } = await nodeTest(new URL('./samples/users-test.ts', import.meta.url));
    expect(tap).toMatch(/^# pass 1$/m);
    expect(code).toBe(0);
  });
});
