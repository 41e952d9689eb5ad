import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import webpack from 'webpack';
import { install, start } from './consumer.mjs';
import { inEmptyFolder } from './run.mjs';

const core = '@toolweaver/analytics-core';

/** Each bundles `<entry>` with all of its dependencies into `<name>/<entry>`. */
const bundlers = {
  async vite(cwd, entry) {
    await build({
      root: cwd,
      configFile: false,
      logLevel: 'error',
      ssr: { noExternal: true },
      build: { ssr: entry, outDir: 'vite', emptyOutDir: false, minify: true },
    });
  },
  /** As Next.js bundles server code. */
  async webpack(cwd, entry) {
    const compiler = webpack({
      mode: 'production',
      target: 'node22',
      context: cwd,
      entry: `./${entry}`,
      experiments: { outputModule: true },
      output: { path: join(cwd, 'webpack'), filename: entry, module: true },
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    await promisify(compiler.close.bind(compiler))();
    assert.deepEqual(stats.toJson({ all: false, errors: true, warnings: true }), { errors: [], warnings: [] });
  },
};

/** Bundles programs together with core, and runs them where no packages are installed. */
export async function bundle(tarballs) {
  await inEmptyFolder(async (cwd) => {
    await install(cwd, [tarballs.get(core)]);
    await writeFile(
      join(cwd, 'whole.js'),
      `
        import { createAnalytics, memory } from '${core}';
        const backend = memory();
        const client = createAnalytics({ backends: [backend] });
        await client.trackOperation({ kind: 'skill', name: 'x' }, () => {});
        await client.close();
        console.log(backend.events.length);
      `,
    );
    await writeFile(
      join(cwd, 'part.js'),
      `
        import { memory } from '${core}';
        console.log(memory().events.length);
      `,
    );
    for (const [bundler, make] of Object.entries(bundlers)) {
      await make(cwd, 'whole.js');
      await make(cwd, 'part.js');
      await inEmptyFolder(async (away) => {
        await writeFile(join(away, 'package.json'), JSON.stringify({ type: 'module' }));
        const [whole, part] = await Promise.all(
          ['whole.js', 'part.js'].map((file) => readFile(join(cwd, bundler, file), 'utf8')),
        );
        await writeFile(join(away, 'whole.js'), whole);
        await writeFile(join(away, 'part.js'), part);
        assert.equal(await start(away, 'whole.js'), '1\n');
        assert.equal(await start(away, 'part.js'), '0\n');
        // A method of the client, which makes up most of core. Minifiers do not rename methods.
        assert.ok(whole.includes('recordSkillRating'), bundler);
        assert.ok(!part.includes('recordSkillRating'), bundler);
        assert.ok(part.length < whole.length / 10, `${bundler}: ${part.length} of ${whole.length} bytes`);
      });
      console.log(`works: core bundled by ${bundler}, and only what is imported of it`);
    }
  });
}
