import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const manifest: {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
} = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const libraries = Object.keys(manifest.peerDependencies).filter((name) => !name.startsWith('@toolweaver/'));
const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json');

test('the libraries are optional: a program has those that it uses', () => {
  expect(libraries.sort()).toEqual(['@langchain/core', '@modelcontextprotocol/sdk', '@openai/agents', 'ai']);
  expect(manifest.peerDependenciesMeta).toEqual(
    Object.fromEntries(libraries.map((name) => [name, { optional: true }])),
  );
});

test('each adapter can be imported by itself, and none of them loads a library', () => {
  expect(subpaths.sort()).toEqual(['.', './ai-sdk', './langchain', './mcp', './openai-agents']);
  const program = `
    import { registerHooks } from 'node:module';
    const libraries = ${JSON.stringify(libraries)};
    registerHooks({
      resolve(specifier, context, next) {
        if (libraries.some((name) => specifier === name || specifier.startsWith(name + '/'))) {
          throw new Error(specifier + ' is not installed');
        }
        return next(specifier, context);
      },
    });
    const found = {};
    for (const path of ${JSON.stringify(subpaths)}) {
      found[path] = Object.keys(await import(${JSON.stringify(manifest.name)} + path.slice(1)));
    }
    console.log(JSON.stringify(found));
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', '--conditions=@toolweaver/source', '--input-type=module', '--eval', program],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  const found: Record<string, string[]> = JSON.parse(stdout);
  expect(found['.']).toEqual(expect.arrayContaining(['trackToolkit', 'createToolkitCache', 'toolkitOptionsFromEnv']));
  expect(Object.values(found).every((names) => names.length > 0)).toBe(true);
});
