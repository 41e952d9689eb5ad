import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'rolldown';
import { expect, test } from 'vitest';
import { testFolder } from '../packages/sqlite/test/support/folder.ts';

const run = promisify(execFile);
const program = new URL('../packages/analytics/test/fixtures/start-all.ts', import.meta.url);

test.each([
  ['esm', 'main.mjs', {}],
  // As esbuild does it.
  ['cjs', 'main.cjs', { 'import.meta.url': 'undefined' }],
] as const)('in a bundle (%s) whatever has threads refuses to start, and says why', async (format, file, define) => {
  const folder = testFolder();
  const [dist, home] = [join(folder, 'dist'), join(folder, 'home')];
  await build({
    input: fileURLToPath(program),
    platform: 'node',
    external: ['better-sqlite3'],
    resolve: { conditionNames: ['@toolweaver/source', 'import', 'node'] },
    transform: { define },
    output: { dir: dist, format, entryFileNames: file, codeSplitting: false },
    logLevel: 'silent',
  });
  // The program's own, which must not be taken for ours.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'program', version: '1.0.0' }));
  writeFileSync(join(dist, 'worker.js'), 'setInterval(() => {}, 1000);');
  mkdirSync(home);

  const { stdout, stderr } = await run(process.execPath, [join(dist, file)], {
    cwd: home,
    env: { HOME: home },
    // Where it is not refused, it waits for the program's worker.
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  const answers = stdout.trim().split('\n');
  const refusal = (name: string, backend?: string) => {
    const message = `^@toolweaver/analytics-${name} cannot be part of a bundle: .*--packages=external; see Limits in the README`;
    return { code: 'UNSUPPORTED', ...(backend && { backend }), message: expect.stringMatching(message) };
  };
  expect(answers.map((line) => JSON.parse(line))).toMatchObject([
    { name: 'sqlite', answer: refusal('sqlite', 'sqlite') },
    { name: 'exportEvents', answer: refusal('sqlite') },
    { name: 'wandb', answer: refusal('wandb', 'wandb') },
    { name: 'startRun', answer: refusal('wandb', 'wandb') },
  ]);
  expect(readdirSync(home)).toEqual([]);
});
