// A user's project: outside the workspace, with nothing but what npm installs.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { inEmptyFolder, root, run } from './run.mjs';

const terse = ['--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline', '--loglevel=error'];

export async function install(cwd, what, env = process.env) {
  if (!existsSync(join(cwd, 'package.json'))) {
    await writeFile(join(cwd, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  }
  await run('npm', ['install', ...terse, ...what], { cwd, env });
}

/** The names of all installed packages, at any depth of the tree. */
async function installed(cwd) {
  const { packages } = JSON.parse(await readFile(join(cwd, 'node_modules', '.package-lock.json'), 'utf8'));
  return new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
}

/** Runs a program of the project, without settings and with the folder as its home, so what defaults create ends up there. */
export async function start(cwd, file, { command = process.execPath, args = [] } = {}) {
  const path = [dirname(command), process.env.PATH].join(delimiter);
  const { SystemRoot } = process.env;
  return run(command, [...args, file], {
    cwd,
    env: { PATH: path, HOME: cwd, USERPROFILE: cwd, ...(SystemRoot && { SystemRoot }) },
  });
}

const newest = join(root, 'node_modules', 'typescript');
const attw = createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json');
/** The oldest TypeScript at hand: attw's own. */
const oldest = dirname(createRequire(attw).resolve('typescript/package.json'));

/** Compiles as strict users do: without skipLibCheck (by default), so that our declarations are checked, too. */
export async function typecheck(cwd, file, { withOldest = false, skipLibCheck = false } = {}) {
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ]) {
    const compilerOptions = {
      target: 'es2022',
      module,
      moduleResolution,
      strict: true,
      skipLibCheck,
      allowJs: true,
      checkJs: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    };
    await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    for (const compiler of withOldest ? [newest, oldest] : [newest]) {
      await run(process.execPath, [join(compiler, 'bin', 'tsc'), '-p', cwd]);
    }
  }
}

/**
 * Installs the tarballs of some packages into an empty project, checks that no dependency of other packages came along, and
 * runs a program there that throws when something is wrong.
 */
export async function use(
  tarballs,
  packages,
  { title, needs, program, file = 'main.js', types = false, shared = [], runtimes = [{}] },
) {
  await inEmptyFolder(async (cwd) => {
    await install(
      cwd,
      needs.map((name) => tarballs.get(name)),
    );
    const unwanted = (await installed(cwd)).intersection(foreignTo(needs, packages)).difference(new Set(shared));
    if (unwanted.size > 0) {
      throw new Error(`${title}: installed although nobody asked for it: ${[...unwanted].join(', ')}`);
    }
    for (const runtime of runtimes) {
      // The program's files stay, so each runtime gets a folder of its own, below the packages.
      const folder = runtime.title ? join(cwd, runtime.title) : cwd;
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, file), program);
      await start(folder, file, runtime);
      console.log(`works: ${title}${runtime.title ? `, on ${runtime.title}` : ''}`);
    }
    if (types) {
      await typecheck(cwd, file);
    }
  });
}

/** The other packages, with their dependencies and peers. */
function foreignTo(needs, packages) {
  const others = packages.filter(({ name }) => !needs.includes(name));
  const foreign = others.flatMap(({ name, dependencies, peerDependencies }) => [
    name,
    ...Object.keys({ ...dependencies, ...peerDependencies }),
  ]);
  return new Set(foreign).difference(new Set(needs));
}
