// A release in rehearsal, from a clone to the stranger who follows a README. A copy of this folder does what its README says,
// is versioned, and published as the workflow does it, but to a registry of this machine. Nothing else changes.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readPackages } from './pack.mjs';
import { followReadmes } from './readmes.mjs';
import { startRegistry } from './registry.mjs';
import { forEach, inEmptyFolder, root, run } from './run.mjs';

/** Stands for the place on GitHub that publishes. */
const address = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'example/toolweaver-analytics' };

await inEmptyFolder(async (folder) => {
  const clone = join(folder, 'clone');
  await copyWorkspace(clone);
  // What was built here need not be built there again.
  const env = { ...process.env, TURBO_CACHE_DIR: join(root, '.turbo', 'cache') };
  assert.match(await run('npm', ['run', 'demo'], { cwd: clone, env }), /receipts/i);
  console.log('works: npm run demo in a fresh clone');

  const registry = await startRegistry(join(folder, 'registry'));
  try {
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

    await commit(clone);
    await checkIndependence(clone, packages);
  } finally {
    registry.stop();
  }
});

/** What would be in a clone: all that is under version control, or would be, as a repository of its own. */
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

async function version(clone) {
  await run('pnpm', ['run', 'release:version'], { cwd: clone });
  for (const { folder, name, version } of await readPackages(clone)) {
    const changelog = await readFile(join(folder, 'CHANGELOG.md'), 'utf8').catch(() => '');
    assert.ok(changelog.includes(`\n## ${version}\n`), `${name}@${version} is in no changelog: it has no changeset`);
  }
}

/** The script `release:publish` without the build: versions and addresses of manifests are all that changed. */
async function publish(clone, registry) {
  // A runner of GitHub would offer its identity, which is for the real registry.
  const isOfRunner = (name) => /^(CI|ACTIONS_.*|GITHUB_.*)$/.test(name);
  const kept = Object.entries(registry.env).filter(([name]) => !isOfRunner(name));
  const env = { PNPM_CONFIG_FETCH_TIMEOUT: '600000', ...Object.fromEntries(kept) };
  await run('node', ['scripts/packages/repository.mjs'], { cwd: clone, env: { ...env, ...address } });
  await run('pnpm', ['exec', 'changeset', 'publish'], { cwd: clone, env });
}

/** Looks at what the registry got. */
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

/** A repaired bug of one package gives a version to it alone. */
async function checkIndependence(clone, before) {
  const name = '@toolweaver/analytics-wandb';
  await writeFile(join(clone, '.changeset', 'rehearsal.md'), `---\n'${name}': patch\n---\n\nA repaired bug.\n`);
  await version(clone);
  const versions = new Map(before.map((one) => [one.name, one.version]));
  const changed = (await readPackages(clone)).filter((one) => one.version !== versions.get(one.name));
  assert.deepEqual(
    changed.map((one) => one.name),
    [name],
  );
  console.log('works: a repair of one package is a version of that package alone');
}
