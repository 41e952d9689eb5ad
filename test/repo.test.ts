import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

type Exports = Record<string, string | Record<string, string>>;
interface Manifest {
  readonly name: string;
  readonly exports: Exports;
  readonly publishConfig: { readonly exports: Exports };
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>;
  readonly optionalDependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}
interface Workspace {
  /** Folder below the root, e.g. `packages/core`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

function workspacesIn(group: string): Workspace[] {
  return readdirSync(join(root, group))
    .map((name) => `${group}/${name}`)
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map(workspace);
}

function workspace(folder: string): Workspace {
  return { folder, manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) };
}

const packages = workspacesIn('packages');
const apps = workspacesIn('apps');
const bench = workspace('bench');
const frame = ['core', 'metrics', 'testkit', 'analytics', 'prices', 'adapters', 'collector'];
/** Programs and files for those who run the backends: no backends themselves. */
const tools = ['grafana'];
const backends = packages.filter(({ folder }) => ![...frame, ...tools].includes(basename(folder)));

const prefix = '@toolweaver/analytics';
const isBackend = (name: string): boolean => backends.some(({ manifest }) => manifest.name === name);

/** Which packages of ours the sources below a folder may import. */
function allowedImports({ folder }: Workspace): string[] {
  if (folder === 'bench') {
    return packages.map((other) => other.manifest.name);
  }
  if (folder.startsWith('apps/')) {
    return [prefix, `${prefix}-prices`];
  }
  const uses: Record<string, string[]> = {
    core: [],
    adapters: [`${prefix}-core`, `${prefix}-prices`],
    prometheus: [`${prefix}-core`, `${prefix}-metrics`],
    otlp: [`${prefix}-core`, `${prefix}-metrics`],
    grafana: [`${prefix}-core`, `${prefix}-metrics`],
  };
  return uses[basename(folder)] ?? [`${prefix}-core`];
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(root, folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cm]?ts$/.test(name))
    .map((name) => join(root, folder, 'src', name));
}

interface Import {
  readonly specifier: string;
  /** By `import()`, so that the package is only needed when the line runs. */
  readonly lazy: boolean;
}

function importsIn(source: string): Import[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found = code.matchAll(/\b(?:from|import)\s*(\(?)\s*['"]([^'"\n]+)['"]/g);
  return Array.from(found, ([, bracket, specifier = '']) => ({ specifier, lazy: bracket === '(' }));
}

describe.each(packages)('$folder', ({ folder, manifest }) => {
  test('has the same manifest as every other package', () => {
    expect(manifest).toMatchObject({
      name: basename(folder) === 'analytics' ? prefix : `${prefix}-${basename(folder)}`,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      description: expect.stringMatching(/\S{3}/),
      keywords: expect.arrayContaining(['analytics']),
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=22.18.0' },
      files: ['dist'],
      publishConfig: { access: 'public', provenance: true },
      scripts: {
        build: 'node ../../scripts/build-package.mjs',
        typecheck: 'tsc',
      },
    });
  });

  test('publishes the exports that it has here, without the condition that leads to the sources', () => {
    expect(manifest.exports['.']).toBeTypeOf('object');
    const published = Object.entries(manifest.exports).map(([path, target]) => {
      if (typeof target === 'string') {
        return [path, target];
      }
      // The first condition that matches wins, so their order matters.
      expect(Object.keys(target)).toEqual(['@toolweaver/source', 'types', 'default']);
      const { '@toolweaver/source': source = '', ...rest } = target;
      const output = source.replace('./src/', './dist/');
      expect(rest).toEqual({ types: output.replace(/ts$/, 'd.ts'), default: output.replace(/ts$/, 'js') });
      return [path, rest];
    });
    expect(manifest.publishConfig.exports).toEqual(Object.fromEntries(published));
  });

  test('explains itself in a README', () => {
    const readme = readFileSync(join(root, folder, 'README.md'), 'utf8');
    expect(readme.split('\n')[0]).toBe(`# ${manifest.name}`);
  });
});

test('core depends on nothing', () => {
  const { manifest } = workspace('packages/core');
  expect(
    Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }),
  ).toEqual([]);
  const imported = sourcesOf('packages/core').flatMap((file) => importsIn(readFileSync(file, 'utf8')));
  expect(imported.length).toBeGreaterThan(0);
  expect(imported.filter(({ specifier }) => !/^(\.|node:)/.test(specifier))).toEqual([]);
});

test('installing the meta-package pulls in no backend', () => {
  const { manifest } = workspace('packages/analytics');
  expect(Object.keys(manifest.dependencies ?? {})).toEqual([`${prefix}-core`]);
  expect(Object.keys(manifest.peerDependencies ?? {}).sort()).toEqual(backends.map((one) => one.manifest.name).sort());
  expect(manifest.peerDependenciesMeta).toEqual(
    Object.fromEntries(backends.map((one) => [one.manifest.name, { optional: true }])),
  );
});

test.each(backends)('$folder shares core with its host and keeps the laws of the test kit', ({ folder, manifest }) => {
  expect(manifest.peerDependencies).toHaveProperty([`${prefix}-core`], 'workspace:^');
  const suite = readFileSync(join(root, folder, 'test', 'conformance.test.ts'), 'utf8');
  expect(importsIn(suite).map(({ specifier }) => specifier)).toContain(`${prefix}-testkit`);
});

test.each([...packages, ...apps, bench])('$folder imports only what the architecture lets it', (one) => {
  const allowed = allowedImports(one);
  const inside = join(root, one.folder, 'src') + sep;
  for (const file of sourcesOf(one.folder)) {
    const wrong = importsIn(readFileSync(file, 'utf8')).filter(({ specifier, lazy }) => {
      if (specifier.startsWith('.')) {
        return !resolve(dirname(file), specifier).startsWith(inside);
      }
      const mayLoadLazily = one.folder === 'packages/analytics' && lazy && isBackend(specifier);
      const imported = specifier.split('/').slice(0, 2).join('/');
      return specifier.startsWith(prefix) && !allowed.includes(imported) && !mayLoadLazily;
    });
    expect(wrong, relative(root, file)).toEqual([]);
  }
});

test.each([...packages, ...apps, bench])('$folder takes its versions from the workspace', ({ manifest }) => {
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = manifest;
  for (const [name, version] of [dependencies, peerDependencies, optionalDependencies, devDependencies].flatMap(
    (group) => Object.entries(group ?? {}),
  )) {
    expect(version, name).toBe(name.startsWith(prefix) ? 'workspace:^' : 'catalog:');
  }
});

/** Everything that is, or would be, under version control; null in a copy without its history. */
function trackedFiles(): { file: string; text: string }[] | null {
  const git = spawnSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (git.status !== 0) {
    return null;
  }
  return git.stdout
    .split('\0')
    .filter((file) => file && existsSync(join(root, file)))
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
}

test.each<[string, (text: string) => boolean]>([
  ['a package registry', (text) => /\bregistry\.(?:[a-z\d-]+\.)+(?:com|dev|io|net|org)\b/i.test(text)],
  ['a path of some machine', (text) => /(?<![\w.})-])\/(?:home|root|Users|work|workspace)\/\w/.test(text)],
  ['a path of this machine', (text) => [root, homedir()].some((path) => text.includes(path + sep))],
])('no file names %s', (_what, isNamedIn) => {
  const files = trackedFiles();
  if (files !== null) {
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter(({ text }) => isNamedIn(text)).map(({ file }) => file)).toEqual([]);
  }
});

test('the lockfile pins packages by content, wherever they come from', () => {
  expect(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')).not.toContain('://');
});

test('the workflows run scripts that there are', () => {
  const folder = join(root, '.github', 'workflows');
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const workflows = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  const started = workflows.flatMap((text) =>
    Array.from(text.matchAll(/npm(?:\.mjs)? (?:run )?([\w:]+)$/gm), ([, name = '']) => name),
  );
  expect(started).toEqual(expect.arrayContaining(['test', 'demo', 'docs:api', 'release:version', 'release:publish']));
  expect(started.filter((name) => !(name in scripts))).toEqual([]);
});
