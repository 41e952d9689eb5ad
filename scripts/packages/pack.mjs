import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { forEach, root, run } from './run.mjs';

/** Returns the manifests of all public packages of the workspace, each with its folder. */
export async function readPackages(workspace = root) {
  const folders = await readdir(join(workspace, 'packages'));
  return Promise.all(
    folders.map(async (name) => {
      const folder = join(workspace, 'packages', name);
      return { folder, ...JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) };
    }),
  );
}

/** Packs packages into artifacts/. Returns a map from name to path of the tarball. */
export async function packAll(packages) {
  const artifacts = join(root, 'artifacts');
  await rm(artifacts, { recursive: true, force: true });
  await mkdir(artifacts);
  const tarballs = new Map();
  await forEach(packages, async ({ folder, name }) => {
    const { filename } = JSON.parse(
      await run('pnpm', ['pack', '--json', '--pack-destination', artifacts], { cwd: folder }),
    );
    tarballs.set(name, filename);
  });
  console.log(`packed ${tarballs.size} packages`);
  return tarballs;
}

/** Checks a tarball with publint and attw. */
export async function judge(tarball) {
  await run('publint', ['run', tarball, '--strict']);
  await run('attw', [tarball, '--profile', 'esm-only', '--no-color']);
}
