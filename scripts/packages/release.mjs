// Rehearses a release, from a clone to the user who follows a README. A copy of this folder does what its README says, is
// versioned and published as by the workflow, but to a local registry. Nothing else changes.
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { install } from './consumer.mjs';
import { readPackages } from './pack.mjs';
import { followReadmes } from './readmes.mjs';
import { startRegistry } from './registry.mjs';
import { forEach, inEmptyFolder, root, run } from './run.mjs';

/** Stands in for the repository on GitHub that publishes. */
const address = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'example/toolweaver-analytics' };

await inEmptyFolder(async (folder) => {
  const clone = join(folder, 'clone');
  await copyWorkspace(clone);
  // Share the build cache, so that the clone does not build everything again.
  const env = { ...process.env, TURBO_CACHE_DIR: join(root, '.turbo', 'cache') };
  assert.match(await run('npm', ['run', 'demo'], { cwd: clone, env }), /receipts/i);
  console.log('works: npm run demo in a fresh clone');

  const registry = await startRegistry(join(folder, 'registry'));
  try {
    await version(clone);
    // The state of main after the version merge, which is when the workflow publishes: this check has to pass there, too.
    await version(clone);
    await publish(clone, registry);
    const packages = await readPackages(clone);
    const tags = await run('git', ['tag'], { cwd: clone });
    const expected = packages.map(({ name, version }) => `${name}@${version}`);
    assert.deepEqual(tags.trim().split('\n').sort(), expected.sort());
    await forEach(packages, (one) => checkPublished(one, registry.url));
    console.log(`works: published ${expected.join(' ')}`);

    await followReadmes(
      [clone, ...packages.map(({ folder }) => folder)].map((one) => join(one, 'README.md')),
      registry.env,
    );

    await checkIndependence(clone, packages);
    await checkMinors(clone, packages, registry);
  } finally {
    registry.stop();
  }
});

/** Makes a repository of what a clone would contain: all files that are under version control, or would be. */
async function copyWorkspace(clone) {
  const listed = (...args) =>
    run('git', ['-c', 'safe.directory=*', 'ls-files', '-z', ...args]).then((text) => text.split('\0').filter(Boolean));
  const deleted = new Set(await listed('--deleted'));
  for (const file of new Set(await listed('--cached', '--others', '--exclude-standard')).difference(deleted)) {
    await mkdir(dirname(join(clone, file)), { recursive: true });
    await cp(join(root, file), join(clone, file));
  }
  await run('git', ['init', '-q', '--initial-branch=main'], { cwd: clone });
  await commit(clone);
}

async function commit(clone) {
  const author = ['-c', 'user.name=nobody', '-c', 'user.email=nobody@localhost', '-c', 'commit.gpgsign=false'];
  await run('git', ['add', '-A'], { cwd: clone });
  await run('git', [...author, 'commit', '-q', '-m', 'rehearsal'], { cwd: clone });
}

/** Turns changesets into versions, and commits these. If there are none, every version already has its changelog. */
async function version(clone) {
  const files = await readdir(join(clone, '.changeset'));
  if (files.some((file) => file.endsWith('.md') && file !== 'README.md')) {
    await run('pnpm', ['run', 'release:version'], { cwd: clone });
    await commit(clone);
  }
  for (const { folder, name, version } of await readPackages(clone)) {
    const changelog = await readFile(join(folder, 'CHANGELOG.md'), 'utf8').catch(() => '');
    assert.ok(changelog.includes(`\n## ${version}\n`), `${name}@${version} is in no changelog: it has no changeset`);
  }
}

/** Runs `release:publish` without the build, since only versions, ranges and addresses in manifests have changed. */
async function publish(clone, registry) {
  // A GitHub runner would offer its identity, which is meant for the real registry.
  const isOfRunner = (name) => /^(CI|ACTIONS_.*|GITHUB_.*)$/.test(name);
  const kept = Object.entries(registry.env).filter(([name]) => !isOfRunner(name));
  const env = { PNPM_CONFIG_FETCH_TIMEOUT: '600000', ...Object.fromEntries(kept) };
  await run('node', ['scripts/packages/repository.mjs'], { cwd: clone, env: { ...env, ...address } });
  await run('pnpm', ['exec', 'changeset', 'publish'], { cwd: clone, env });
  // The next release starts from the committed state.
  await run('git', ['restore', '.'], { cwd: clone });
}

/** Checks what the registry received. */
async function checkPublished({ folder, name, version, exports, bin }, registryUrl) {
  const packument = await (await fetch(`${registryUrl}/${name.replace('/', '%2f')}`)).json();
  const manifest = packument.versions[version];
  const directory = `packages/${basename(folder)}`;
  const { engines, license, publishConfig, repository } = manifest;
  assert.deepEqual(
    { engines, license, publishConfig, repository },
    {
      engines: { node: '>=22.18.0' },
      license: 'MIT',
      publishConfig: { access: 'public', provenance: true },
      repository: { type: 'git', url: `git+${address.GITHUB_SERVER_URL}/${address.GITHUB_REPOSITORY}.git`, directory },
    },
    name,
  );
  const { dependencies, devDependencies, peerDependencies, exports: published } = manifest;
  const resolved = JSON.stringify({ dependencies, devDependencies, peerDependencies, published });
  assert.doesNotMatch(resolved, /workspace:|catalog:|@toolweaver\/source/, name);
  const onInstall = ['preinstall', 'install', 'postinstall', 'prepare'].filter(
    (script) => script in (manifest.scripts ?? {}),
  );
  assert.deepEqual(onInstall, [], `${name} would run a script of ours on the machine of whoever installs it`);

  const files = await filesOf(manifest.dist.tarball, folder);
  const strange = files.filter(
    (file) => !/^(dist\/.*\.(js|d\.ts)(\.map)?|package\.json|README\.md|LICENSE)$/.test(file),
  );
  assert.deepEqual(strange, [], `${name} holds what it should not`);
  const promised = [
    ...Object.values(exports).flatMap((target) =>
      typeof target === 'string' ? target : [target.types, target.default],
    ),
    ...Object.values(bin ?? {}),
    './README.md',
    './LICENSE',
  ];
  assert.deepEqual(
    promised.filter((file) => !files.includes(file.slice(2))),
    [],
    `${name} lacks files`,
  );
}

async function filesOf(tarball, folder) {
  const path = join(folder, 'published.tgz');
  await writeFile(path, new Uint8Array(await (await fetch(tarball)).arrayBuffer()));
  const list = await run('tar', ['-tzf', path]);
  return list
    .trim()
    .split(/\r?\n/)
    .map((line) => line.replace('package/', ''));
}

/** Checks that a patch of one package changes the version of that package only. */
async function checkIndependence(clone, before) {
  const name = '@toolweaver/analytics-wandb';
  await change(clone, name, 'patch');
  const versions = new Map(before.map((one) => [one.name, one.version]));
  const changed = (await readPackages(clone)).filter((one) => one.version !== versions.get(one.name));
  assert.deepEqual(
    changed.map((one) => one.name),
    [name],
  );
  console.log('works: a repair of one package is a version of that package alone');
}

/**
 * Checks minors of a backend and of core, one after the other. Users of all packages can keep the ranges they ask for, and
 * can add the new minor next to the present versions of the others, both in a new project and in an existing one.
 */
async function checkMinors(clone, older, registry) {
  const asking = (mark, packages) => packages.map(({ name, version }) => `${name}@${mark}${version}`);
  await inEmptyFolder(async (project) => {
    await resolve(project, asking('^', older), registry);
    for (const name of ['@toolweaver/analytics-sqlite', '@toolweaver/analytics-core']) {
      await change(clone, name, 'minor');
      await publish(clone, registry);
      const others = older.filter((one) => one.name !== name);
      const newer = (await readPackages(clone)).filter((one) => one.name === name);
      await Promise.all([
        inEmptyFolder((cwd) => resolve(cwd, asking('^', older), registry)),
        inEmptyFolder((cwd) => resolve(cwd, [...asking('', others), ...asking('', newer)], registry)),
        resolve(project, asking('^', newer), registry),
      ]);
    }
  });
  console.log('works: a minor of one package beside what there was of the others');
}

async function change(clone, name, bump) {
  await writeFile(join(clone, '.changeset', 'rehearsal.md'), `---\n'${name}': ${bump}\n---\n\nA change.\n`);
  await version(clone);
}

/** Has npm resolve compatible versions, without installing them, and only one core: two would not know each other's errors. */
async function resolve(cwd, what, { env }) {
  // There may have been another release since npm last asked.
  await install(
    cwd,
    ['--package-lock-only', '--strict-peer-deps', '--no-prefer-offline', '--prefer-online', ...what],
    env,
  );
  const { packages } = JSON.parse(await readFile(join(cwd, 'package-lock.json'), 'utf8'));
  const cores = Object.keys(packages).filter((path) => path.endsWith('/@toolweaver/analytics-core'));
  assert.equal(cores.length, 1, `${what.join(' ')}: ${cores.join(' ')}`);
}
