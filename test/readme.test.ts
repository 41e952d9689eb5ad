import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Sample, samplesOf } from './support/samples.ts';

const root = resolve(import.meta.dirname, '..');

interface TitledSample extends Sample {
  readonly title: string;
  /** Where the sample's imports resolve as they would for a user. */
  readonly folder: string;
}

function titledSamplesOf(readme: string, folder: string): TitledSample[] {
  return samplesOf(join(root, readme)).map((sample, at) => ({
    ...sample,
    title: `${readme} #${at + 1}`,
    folder: join(root, folder),
  }));
}

const samples = [
  ...titledSamplesOf('README.md', 'apps/demo'),
  ...readdirSync(join(root, 'packages'))
    .map((name) => `packages/${name}`)
    .filter((folder) => existsSync(join(root, folder, 'README.md')))
    .flatMap((folder) => titledSamplesOf(`${folder}/README.md`, folder)),
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
