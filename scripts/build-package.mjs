// Builds the package of the current folder into dist/: declarations by tsc, one file each, and JavaScript bundled into as few
// files as its entries need, because opening many small files is most of the cost of importing a package.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'rolldown';

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
const imported = Object.values(exports).flatMap(
  (target) => target['@toolweaver/source']?.match(/\/([^/]+)\.ts$/)[1] ?? [],
);
/** Besides the imported entries, those that are started, as a command or as a thread. */
const started = ['cli', 'worker', 'export-worker'].filter((name) => existsSync(`src/${name}.ts`));
const entries = [...imported, ...started];

rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (status !== 0) {
  process.exit(1);
}
await build({
  input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
  platform: 'node',
  // Dependencies stay outside, so that users share one copy of each.
  external: /^[^./]/,
  output: { dir: 'dist', format: 'esm', chunkFileNames: '[name].js' },
  logLevel: 'warn',
});
