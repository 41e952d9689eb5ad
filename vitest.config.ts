import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const root = import.meta.dirname;

/** Every folder of the workspace that is a package. */
const folders = ['packages', 'apps']
  .flatMap((group) => readdirSync(join(root, group)).map((folder) => join(root, group, folder)))
  .concat(join(root, 'bench'))
  .filter((folder) => existsSync(join(folder, 'package.json')));

function nameOf(folder: string): string {
  const manifest: { name: string } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return manifest.name;
}

function project(
  folder: string,
  name: string,
): { extends: true; root: string; test: { name: string; include: string[] } } {
  return { extends: true, root: folder, test: { name, include: ['test/**/*.test.ts'] } };
}

// `--mode reliability` repeats what depends on chance as often as a release should.
export default defineConfig(({ mode }) => ({
  root,
  // Tests import the packages by name; the condition leads to their sources, so that only tests of built files need a build.
  ssr: { resolve: { conditions: ['@toolweaver/source', ...defaultServerConditions] } },
  test: {
    projects: [project(root, 'repo'), ...folders.map((folder) => project(folder, nameOf(folder)))],
    env: { RELIABILITY: mode === 'reliability' ? 'full' : 'quick' },
    testTimeout: 20_000,
    hookTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      reporter: ['text', 'json-summary', 'lcov'],
    },
  },
}));
