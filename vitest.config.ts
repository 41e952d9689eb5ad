import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defaultServerConditions } from 'vite';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

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
  '@toolweaver/analytics': ['model', 'network', 'outage', 'secrets', 'soak'].map((file) => `reliability/${file}`),
  '@toolweaver/analytics-core': ['exit', 'model'],
  '@toolweaver/analytics-prometheus': ['conformance-pushed', 'group', 'workers'],
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
    'priority',
    'reliability/*',
    'retention',
    'views',
  ],
  '@toolweaver/analytics-testkit': ['mutants', 'node-test', 'suite'],
  bench: ['main'],
};

/** Trials of all backends together that every run can afford. */
const trials: typeof patient = {
  '@toolweaver/analytics': ['clock', 'ends', 'env', 'input'].map((file) => `reliability/${file}`),
};

const filesOf = (files: readonly string[] = []): string[] => files.map((file) => `test/${file}.test.ts`);

/** Quick files share threads: a context of its own for each costs more than most of them take. */
function project(root: string, name: string): TestProjectInlineConfiguration {
  const include = ['test/**/*.test.ts'];
  const exclude = [...filesOf(patient[name]), ...filesOf(trials[name])];
  return { extends: true, root, test: { name, include, exclude, pool: 'threads', isolate: false } };
}

/** What ends processes and waits for them, or measures memory, gets one of its own for each file. */
function apart(some: typeof patient, label: string): TestProjectInlineConfiguration[] {
  return folders
    .filter((folder) => nameOf(folder) in some)
    .map((root) => {
      const name = nameOf(root);
      return { extends: true, root, test: { name: `${name} (${label})`, include: filesOf(some[name]), pool: 'forks' } };
    });
}

// `--mode reliability` runs everything, and repeats what depends on chance as often as a release should; or, where RELIABILITY
// is `quick`, as often as every push can afford.
export default defineConfig(({ mode }) => ({
  root,
  // Tests import the packages by name; the condition leads to their sources, so that only tests of built files need a build.
  ssr: { resolve: { conditions: ['@toolweaver/source', ...defaultServerConditions] } },
  test: {
    projects: [
      project(root, 'repo'),
      ...folders.map((folder) => project(folder, nameOf(folder))),
      ...apart(trials, 'trials'),
      ...(mode === 'reliability' ? apart(patient, 'patient') : []),
    ],
    // Many tests wait for other processes; one worker a core would leave the cores idle. As a percentage it could not be more.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    env: { RELIABILITY: process.env['RELIABILITY'] ?? (mode === 'reliability' ? 'full' : 'quick') },
    fsModuleCache: true,
    testTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 180_000,
  },
}));
