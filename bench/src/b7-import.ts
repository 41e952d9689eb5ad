import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Figure, figure, type Measure } from './figure.ts';
import { interleave, medianOf, paired, summarize } from './measure.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('./b7-process.mjs', import.meta.url));
const packages = ['analytics', 'core', 'sqlite'];

/** Measures how long a new process takes to import the packages, and how much disk space they take. */
export const load: Measure = async ({ quick, newPath, progress }) => {
  const rounds = quick ? 3 : 21;
  const empty = newPath('empty.mjs');
  writeFileSync(empty, '');
  const ms = await interleave(
    rounds,
    {
      nothing: () => milliseconds('nothing', pathToFileURL(empty).href),
      core: () => milliseconds('core'),
      metaAndSqlite: () => milliseconds('metaAndSqlite'),
      client: () => milliseconds('client', newPath('client.db')),
    },
    progress,
  );
  const above = (arm: keyof typeof ms, name: string, atMostMs?: number): Figure =>
    figure(
      {
        measure: 'b7',
        name,
        unit: 'ms',
        details: { importMs: medianOf(ms[arm]), emptyModuleMs: medianOf(ms.nothing) },
        note: 'Imports: in a new process, files in the page cache; less what an empty module takes.',
        ...(atMostMs && { target: { op: '<=', value: atMostMs } }),
      },
      paired(ms[arm], ms.nothing, (some, none) => some - none),
    );
  return [
    above('core', 'cold import of core', 10),
    above('metaAndSqlite', 'cold import of meta + sqlite', 60),
    above('client', 'cold import of meta, then a client of a new SQLite file'),
    await installedSize(),
  ];
};

async function milliseconds(start: string, ...paths: string[]): Promise<number> {
  // Without the caller's settings: a compile cache would make the second start a warm one.
  const { NODE_OPTIONS: _options, NODE_COMPILE_CACHE: _cache, ...env } = process.env;
  const { stdout } = await run(process.execPath, [...process.execArgv, program, start, ...paths], { env });
  return Number(stdout);
}

/** The size that npm unpacks for our own packages, without better-sqlite3 and kysely. */
async function installedSize(): Promise<Figure> {
  const bytes = await Promise.all(
    packages.map(async (name) => {
      const cwd = join(import.meta.dirname, '..', '..', 'packages', name);
      // npm is a script that only a shell can start on Windows.
      const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'];
      const { stdout } = await run('npm', args, { cwd, shell: process.platform === 'win32' });
      const [packed] = JSON.parse(stdout) as { unpackedSize: number }[];
      return packed?.unpackedSize as number;
    }),
  );
  const megabytes = bytes.reduce((sum, some) => sum + some, 0) / 1e6;
  return figure(
    {
      measure: 'b7',
      name: 'installed size of meta + core + sqlite',
      unit: 'MB',
      target: { op: '<=', value: 1 },
      details: Object.fromEntries(packages.map((name, at) => [`${name}Bytes`, bytes[at] as number])),
      note: 'Size: unpacked, without better-sqlite3 and kysely.',
    },
    summarize([megabytes]),
  );
}
