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

const places: string[] = samples.map(({ home }) => home);

/** Writes a sample, and what it may import, into a folder of its own. The path of its file. */
function write({ folder, all, file, code }: TitledSample): string {
  mkdirSync(join(folder, '.cache'), { recursive: true });
  const place = mkdtempSync(join(folder, '.cache', 'sample-'));
  places.push(place);
  for (const each of [...all, { file, code }]) {
    writeFileSync(join(place, each.file), each.code);
  }
  return join(place, file);
}

afterAll(() => {
  for (const place of places) {
    rmSync(place, { recursive: true, force: true });
  }
});

describe('the samples of the documents run, and print what they say', () => {
  test('there are some', () => {
    expect(samples.length).toBeGreaterThanOrEqual(4);
  });

  test.each(samples)('$title', (sample) => {
    const { home, output } = sample;
    // With the built packages, as users get them.
    const { status, stdout, stderr } = spawnSync(process.execPath, [write(sample)], {
      cwd: home,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: home },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    if (output !== undefined) {
      expect(stdout).toBe(output);
    }
  });

  test('they have no errors in types', () => {
    const compilerOptions = {
      target: 'es2024',
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      // Those of libraries that work with the packages, which may contradict each other.
      skipLibCheck: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    };
    const place = mkdtempSync(join(tmpdir(), 'readme-'));
    places.push(place);
    const project = join(place, 'tsconfig.json');
    writeFileSync(project, JSON.stringify({ compilerOptions, files: samples.map(write) }));
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});
