import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { samplesOf } from '../../test/support/samples.ts';
import { install, start } from './consumer.mjs';
import { forEach, inEmptyFolder, run } from './run.mjs';

/**
 * Follows each README in a new project: runs its first command that installs or starts a package, and the sample after that.
 * `env` tells npm where to find the packages.
 */
export async function followReadmes(readmes, env) {
  await forEach(readmes, async (readme) => {
    const [, tool, rest] = /^(npm install|npx) (.*?)(?: +#.*)?$/m.exec(await readFile(readme, 'utf8')) ?? [];
    assert.ok(tool, `${readme}: says no command`);
    const args = rest.split(' ');
    await inEmptyFolder(async (cwd) => {
      if (tool === 'npx') {
        // A separate cache: the shared one may hold what an earlier rehearsal published under the same version.
        const fresh = { ...env, npm_config_cache: join(cwd, '.npm') };
        assert.notEqual(await run('npx', ['--yes', ...args], { cwd, env: fresh }), '', readme);
        return;
      }
      await install(cwd, args, env);
      const [{ code, output }] = samplesOf(readme);
      await writeFile(join(cwd, 'sample.ts'), code);
      const printed = await start(cwd, 'sample.ts');
      assert.equal(printed, output ?? printed, readme);
    });
  });
  console.log(`works: what ${readmes.length} READMEs begin with`);
}
