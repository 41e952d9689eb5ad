import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { install, start, typecheck } from './consumer.mjs';
import { inEmptyFolder } from './run.mjs';

/** Uses all packages in one project: each entry by `import`, by `require()`, and in TypeScript. */
export async function useEverything(tarballs, packages) {
  const entries = packages.flatMap(({ name, exports }) =>
    Object.keys(exports).map((path) => ({ specifier: name + path.slice(1), isCode: !path.endsWith('.json') })),
  );
  const code = entries.filter(({ isCode }) => isCode).map(({ specifier }) => specifier);

  await inEmptyFolder(async (cwd) => {
    await install(cwd, [...tarballs.values()]);
    const required = entries.map(
      ({ specifier }) => `  ${JSON.stringify(specifier)}: require(${JSON.stringify(specifier)}),`,
    );
    await writeFile(join(cwd, 'required.cjs'), `module.exports = {\n${required.join('\n')}\n};\n`);
    const imported = code.map((specifier, at) => `import * as entry${at} from ${JSON.stringify(specifier)};`);
    await writeFile(
      join(cwd, 'main.js'),
      `
        import assert from 'node:assert/strict';
        import required from './required.cjs';
        ${imported.join('\n')}
        const imported = [${code.map((_, at) => `entry${at}`)}];
        for (const [at, specifier] of ${JSON.stringify(code)}.entries()) {
          assert.ok(Object.keys(imported[at]).length > 0, specifier);
          assert.equal(required[specifier], imported[at], specifier);
        }
      `,
    );
    await start(cwd, 'main.js');
    await writeFile(join(cwd, 'types.ts'), reexport(code.filter((specifier) => !isAdapter(specifier))));
    await typecheck(cwd, 'types.ts', { withOldest: true });
    // Their declarations refer to libraries that are not installed here, as for users who do without them.
    await writeFile(join(cwd, 'adapters.ts'), reexport(code.filter(isAdapter)));
    await typecheck(cwd, 'adapters.ts', { skipLibCheck: true });
  });
  console.log(`works: each of ${code.length} entries by import, by require(), and for TypeScript`);
}

function isAdapter(specifier) {
  return specifier.startsWith('@toolweaver/analytics-adapters/');
}

function reexport(specifiers) {
  return specifiers.map((specifier, at) => `export * as entry${at} from ${JSON.stringify(specifier)};`).join('\n');
}
