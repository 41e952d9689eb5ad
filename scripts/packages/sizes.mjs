// What the packages add to a program that bundles them, and limits for that: all exports of a package, or a single one with
// what it pulls in, minified and compressed. Dependencies and Node's modules stay outside.
import { basename, isAbsolute, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'rolldown';
import { root } from './run.mjs';

/**
 * In units of 1000 bytes, as transfers are counted. `core: memory` is what a program gets that imports only `memory`, and
 * `core/for-backends` is an entry other than `index`.
 */
const limitsKb = {
  adapters: 2.9,
  analytics: 3.9,
  collector: 2.5,
  core: 15.4,
  'core: createAnalytics': 15.15,
  'core: memory': 1.35,
  'core/for-backends': 8,
  'core/for-backends: readEnv': 1.4,
  grafana: 18.45,
  metrics: 7.45,
  otlp: 10.4,
  prices: 8.9,
  prometheus: 10,
  sqlite: 26.35,
  testkit: 22.2,
  wandb: 34.6,
};

/** @throws Error that lists what exceeds its limit, and packages that have none. */
export async function checkSizes(packages) {
  const names = packages.map(({ folder }) => basename(folder));
  const problems = names.filter((name) => !(name in limitsKb)).map((name) => `${name} has no limit`);
  for (const [what, limitKb] of Object.entries(limitsKb)) {
    const [from, imported] = what.split(': ');
    const [name, entry] = from.split('/');
    const kb = (await bundledBytes(join(root, 'packages', name, 'dist', `${entry ?? 'index'}.js`), imported)) / 1000;
    const line = `${what}: ${kb.toFixed(2)} kB of ${limitKb}`;
    console.log(line);
    if (kb > limitKb) {
      problems.push(line);
    }
  }
  if (problems.length > 0) {
    throw new Error(`Larger than scripts/packages/sizes.mjs allows:\n${problems.join('\n')}`);
  }
}

async function bundledBytes(path, imported) {
  const names = imported ? `{ ${imported} }` : '*';
  const code = `export ${names} from ${JSON.stringify(path)};`;
  const entry = {
    name: 'entry',
    resolveId: (id) => (id === 'entry' ? id : null),
    load: (id) => (id === 'entry' ? code : null),
  };
  const { output } = await build({
    input: 'entry',
    platform: 'node',
    plugins: [entry],
    external: (id) => id !== 'entry' && !id.startsWith('.') && !isAbsolute(id),
    output: { format: 'esm', minify: true, codeSplitting: false },
    write: false,
  });
  return gzipSync(output[0].code, { level: 9 }).byteLength;
}
