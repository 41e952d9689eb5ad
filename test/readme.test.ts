import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

interface Sample {
  readonly title: string;
  /** A block that begins with `// name.ts` is a file, which the other blocks of its document can import. */
  readonly file: string;
  readonly files: readonly Pick<Sample, 'file' | 'code'>[];
  /** Where the sample's imports resolve as they would for a user. */
  readonly folder: string;
  readonly code: string;
  /** What the README says it prints, if it says so. */
  readonly output: string | undefined;
}

/** The TypeScript blocks of a document; a `text` block right behind one is its output. */
function samplesOf(document: string, folder: string): Sample[] {
  const text = readFileSync(join(root, document), 'utf8');
  const blocks = [...text.matchAll(/```ts\n(?:\/\/ (\S+\.ts)\n)?(.*?)```\n(?:\n```text\n(.*?)```)?/gs)].map(
    ([, file, code = '', output], at) => ({ title: `${document} #${at + 1}`, file, code, output }),
  );
  const files = blocks.flatMap(({ file, code }) => (file === undefined ? [] : [{ file, code }]));
  return blocks.map(({ file = 'sample.ts', ...block }) => ({ ...block, file, files, folder: join(root, folder) }));
}

const samples = [
  ...samplesOf('README.md', 'apps/demo'),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => samplesOf(`docs/${name}`, name === 'write-a-backend.md' ? 'packages/testkit' : 'apps/demo')),
  ...readdirSync(join(root, 'packages'))
    .map((name) => `packages/${name}`)
    .filter((folder) => existsSync(join(root, folder, 'README.md')))
    .flatMap((folder) => samplesOf(`${folder}/README.md`, folder)),
];

describe('the samples of the documents run, and print what they say', () => {
  test('there are some', () => {
    expect(samples.length).toBeGreaterThanOrEqual(4);
  });

  test.each(samples)('$title', ({ file, files, folder, code, output }) => {
    const home = mkdtempSync(join(tmpdir(), 'readme-'));
    mkdirSync(join(folder, '.cache'), { recursive: true });
    const place = mkdtempSync(join(folder, '.cache', 'sample-'));
    try {
      for (const each of [...files, { file, code }]) {
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
      rmSync(home, { recursive: true });
    }
  });
});
