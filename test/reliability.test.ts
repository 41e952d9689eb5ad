import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const document = join(root, 'RELIABILITY.md');
const before = readFileSync(document);

let bin: string;
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'reliability-test-'));
});
afterEach(() => {
  rmSync(bin, { recursive: true });
  // Others read it meanwhile.
  if (!readFileSync(document).equals(before)) {
    writeFileSync(document, before);
  }
});

/** Runs the script with a `vitest` that is the given program of the shell. */
function reliability(vitest: string, ...args: string[]) {
  writeFileSync(join(bin, 'vitest'), `#!/bin/sh\n${vitest}\n`, { mode: 0o755 });
  return spawnSync(process.execPath, [join(root, 'scripts', 'reliability.mjs'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` },
  });
}

test.each(['-t R06', 'packages/sqlite'])('a document is of all trials: %s is refused', (narrowed) => {
  const { status, stdout, stderr } = reliability('echo ran', '--document', '--quick', ...narrowed.split(' '));
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(`--document is of all trials: it goes with nothing for vitest, got ${narrowed}`);
  expect(readFileSync(document)).toEqual(before);
});

test.each([
  ['crashed', 'exit 3', 3],
  ['found no trials', `for last; do :; done; echo '{"success":true,"testResults":[]}' > "\${last#*=}"`, 1],
])('a run that %s leaves the document as it was', (_what, vitest, expected) => {
  const { status, stderr } = reliability(vitest, '--document', '--quick');
  expect(status).toBe(expected);
  expect(stderr).toContain('RELIABILITY.md is left as it was');
  expect(readFileSync(document)).toEqual(before);
});
