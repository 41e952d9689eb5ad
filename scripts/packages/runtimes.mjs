// Runs each backend alone, and all of them together, on every supported Node, and on Bun and Deno, from the packed tarballs,
// installed once. Expects a finished build. The runtimes come from the npm registry into .cache/runtimes.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { install, use } from './consumer.mjs';
import { packAll, readPackages } from './pack.mjs';
import { programs } from './programs.mjs';
import { forEach, root, run } from './run.mjs';

/** Packages that contain one finished binary. Unlike their parents, they need no install script. */
const binaries = {
  node: {
    linux: { name: `node-linux-${process.arch}`, path: 'bin/node' },
    win32: { name: `node-win-${process.arch}`, path: 'bin/node.exe' },
  },
  bun: {
    linux: { name: `@oven/bun-linux-${{ arm64: 'aarch64' }[process.arch] ?? process.arch}`, path: 'bin/bun' },
    win32: { name: `@oven/bun-windows-${process.arch}`, path: 'bin/bun.exe' },
  },
  deno: {
    linux: { name: `@deno/linux-${process.arch}-glibc`, path: 'deno' },
    win32: { name: `@deno/win32-${process.arch}`, path: 'deno.exe' },
  },
};

const runtimes = [
  // The oldest that `engines` allows, and a recent one of each line.
  { name: 'node', version: '22.18.0' },
  { name: 'node', version: '22.23.2' },
  { name: 'node', version: '24.21.0' },
  { name: 'node', version: '26.10.0' },
  { name: 'bun', version: '1.4.5' },
  { name: 'deno', version: '2.9.6', args: ['run', '--allow-all'] },
];

/** Installs a runtime if needed, and returns the path of its program. */
async function provide({ name, version }) {
  const binary = binaries[name][process.platform];
  if (!binary) {
    throw new Error(`Not all of the runtimes are packaged for ${process.platform}`);
  }
  const folder = join(root, '.cache', 'runtimes', `${name}-${version}`);
  const path = join(folder, 'node_modules', binary.name, binary.path);
  if (!existsSync(path)) {
    await mkdir(folder, { recursive: true });
    await install(folder, ['--no-save', '--no-package-lock', '--ignore-scripts', `${binary.name}@${version}`]);
  }
  const found = await run(path, ['--version']);
  if (!found.includes(version)) {
    throw new Error(`${path} is ${found}`);
  }
  return path;
}

const packages = await readPackages();
const tarballs = await packAll(packages);
const provided = [];
for (const runtime of runtimes) {
  const { name, version, args = [] } = runtime;
  provided.push({ title: `${name} ${version}`, command: await provide(runtime), args });
}
await forEach(
  programs.filter(({ isBackend }) => isBackend),
  (program) => use(tarballs, packages, { ...program, types: false, runtimes: provided }),
);
