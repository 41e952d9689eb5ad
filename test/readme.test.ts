import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Sample, samplesOf } from './support/samples.ts';

const root = resolve(import.meta.dirname, '..');

interface TitledSample extends Sample {
  readonly title: string;
  /** Where the sample's imports resolve as they would for a user. */
  readonly folder: string;
  /** The home of all samples of its document: a reader has one, too, and runs them one after the other. */
  readonly home: string;
  /** All of its document, and so what it may import. */
  readonly all: readonly Sample[];
}

function titledSamplesOf(document: string, folder: string): TitledSample[] {
  const all = samplesOf(join(root, document));
  const home = mkdtempSync(join(tmpdir(), 'readme-'));
  return all.map((sample, at) => ({
    ...sample,
    all,
    home,
    title: `${document} #${at + 1}`,
    folder: join(root, folder),
  }));
}

const samples = [
  ...titledSamplesOf('README.md', 'apps/demo'),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) =>
      titledSamplesOf(`docs/${name}`, name === 'write-a-backend.md' ? 'packages/testkit' : 'apps/demo'),
    ),
  ...readdirSync(join(root, 'packages'))
    .map((name) => `packages/${name}`)
    .filter((folder) => existsSync(join(root, folder, 'README.md')))
    .flatMap((folder) => titledSamplesOf(`${folder}/README.md`, folder)),
];

afterAll(() => {
  for (const { home } of samples) {
    rmSync(home, { recursive: true, force: true });
  }
});

describe('the samples of the documents run, and print what they say', () => {
  test('there are some', () => {
    expect(samples.length).toBeGreaterThanOrEqual(4);
  });

  test.each(samples)('$title', ({ file, folder, home, code, all, output }) => {
    mkdirSync(join(folder, '.cache'), { recursive: true });
    const place = mkdtempSync(join(folder, '.cache', 'sample-'));
    try {
      for (const each of [...all, { file, code }]) {
        writeFileSync(join(place, each.file), each.code);
      }
      // With the built packages, as users get them.
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(place, file)], {
        cwd: home,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: home },
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      if (output !== undefined) {
        expect(stdout).toBe(output);
      }
    } finally {
      rmSync(place, { recursive: true });
    }
  });
});
