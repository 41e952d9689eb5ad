// Runs each backend alone, and all of them together, on every Node that we promise: from the packed tarballs, installed once.
// Expects a finished build. The Nodes come from the npm registry into .cache/nodes.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { use } from './consumer.mjs';
import { packAll, readPackages } from './pack.mjs';
import { programs } from './programs.mjs';
import { forEach, root, run } from './run.mjs';

/** The oldest of `engines`, and a late one of each line. */
const versions = ['22.18.0', '22.23.2', '24.21.0', '26.10.0'];

/** The program of a version. Packages that are one finished binary: unlike their parent `node` they need no install script. */
async function provideNode(version) {
  const platform = { linux: 'linux', win32: 'win' }[process.platform];
  if (!platform) {
    throw new Error(`Not all of ${versions.join(', ')} are packaged for ${process.platform}`);
  }
  const name = `node-${platform}-${process.arch}`;
  const folder = join(root, '.cache', 'nodes', version);
  const binary = join(folder, 'node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node');
  if (!existsSync(binary)) {
    await mkdir(folder, { recursive: true });
    const terse = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
    const here = [`--prefix=${folder}`, '--no-save', '--no-package-lock', '--ignore-scripts', '--prefer-offline'];
    await run('npm', ['install', ...here, ...terse, `${name}@${version}`], { cwd: folder });
  }
  const found = (await run(binary, ['--version'])).trim();
  if (found !== `v${version}`) {
    throw new Error(`${binary} is ${found}`);
  }
  return binary;
}

const packages = await readPackages();
const tarballs = await packAll(packages);
const nodes = [];
for (const version of versions) {
  nodes.push({ version, node: await provideNode(version) });
}
await forEach(
  programs.filter(({ isBackend }) => isBackend),
  (program) => use(tarballs, packages, { ...program, types: false, nodes }),
);
