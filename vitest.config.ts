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

/** Tests that start many processes, wait for time-outs or locks, or open many databases: only in `--mode reliability`. */
const patient: { readonly [project: string]: readonly string[] } = {
  '@toolweaver/analytics-core': ['exit', 'model'],
  '@toolweaver/analytics-prometheus': ['conformance-pushed', 'workers'],
  '@toolweaver/analytics-otlp': ['conformance'],
  '@toolweaver/analytics-sqlite': [
    'backup',
    'concurrency',
    'conformance',
    'damage',
    'erase',
    'export',
    'files',
    'health',
    'kill-upkeep',
    'log',
    'migrate',
    'obstacles',
    'reliability/*',
    'retention',
    'views',
  ],
  '@toolweaver/analytics-testkit': ['mutants', 'node-test', 'suite'],
  bench: ['main'],
};

interface Project {
  readonly extends: true;
  readonly root: string;
  readonly test: { readonly name: string; readonly include: string[]; readonly exclude: string[] };
}

function project(root: string, name: string, isFull: boolean): Project {
  const exclude = isFull ? [] : (patient[name] ?? []).map((file) => `test/${file}.test.ts`);
  return { extends: true, root, test: { name, include: ['test/**/*.test.ts'], exclude } };
}

// `--mode reliability` runs everything, and repeats what depends on chance as often as a release should; or, where RELIABILITY
// is `quick`, as often as every push can afford.
export default defineConfig(({ mode }) => ({
  root,
  // Tests import the packages by name; the condition leads to their sources, so that only tests of built files need a build.
  ssr: { resolve: { conditions: ['@toolweaver/source', ...defaultServerConditions] } },
  test: {
    projects: [
      project(root, 'repo', true),
      ...folders.map((folder) => project(folder, nameOf(folder), mode === 'reliability')),
    ],
    // Many tests wait for other processes; one worker a core would leave the cores idle.
    maxWorkers: '150%',
    env: { RELIABILITY: process.env['RELIABILITY'] ?? (mode === 'reliability' ? 'full' : 'quick') },
    // A context of its own for each file costs more than most files take.
    isolate: mode === 'reliability',
    pool: mode === 'reliability' ? 'forks' : 'threads',
    fsModuleCache: true,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
}));
