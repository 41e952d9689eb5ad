import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

interface Sample {
  readonly title: string;
  /** Where the sample's imports resolve as they would for a user. */
  readonly folder: string;
  readonly code: string;
  /** What the README says it prints, if it says so. */
  readonly output: string | undefined;
}

/** The TypeScript blocks of a README; a `text` block right behind one is its output. */
function samplesOf(readme: string, folder: string): Sample[] {
  const text = readFileSync(join(root, readme), 'utf8');
  return [...text.matchAll(/```ts\n(.*?)```\n(?:\n```text\n(.*?)```)?/gs)].map(([, code = '', output], at) => ({
    title: `${readme} #${at + 1}`,
    folder: join(root, folder),
    code,
    output,
  }));
}

const samples = [
  ...samplesOf('README.md', 'apps/demo'),
  ...readdirSync(join(root, 'packages'))
    .map((name) => `packages/${name}`)
    .filter((folder) => existsSync(join(root, folder, 'README.md')))
    .flatMap((folder) => samplesOf(`${folder}/README.md`, folder)),
];

describe('the samples of the READMEs run, and print what they say', () => {
  test('there are some', () => {
    expect(samples.length).toBeGreaterThanOrEqual(4);
  });

  test.each(samples)('$title', ({ folder, code, output }) => {
    const home = mkdtempSync(join(tmpdir(), 'readme-'));
    mkdirSync(join(folder, '.cache'), { recursive: true });
    const file = join(mkdtempSync(join(folder, '.cache', 'sample-')), 'sample.ts');
    try {
      writeFileSync(file, code);
      // With the built packages, as users get them.
      const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
        cwd: home,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: home },
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      if (output !== undefined) {
        expect(stdout).toBe(output);
      }
    } finally {
      rmSync(resolve(file, '..'), { recursive: true });
      rmSync(home, { recursive: true });
    }
  });
});
