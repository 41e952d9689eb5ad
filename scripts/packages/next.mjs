import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { holdPort } from '../../test/support/port.ts';
import { install } from './consumer.mjs';
import { inEmptyFolder, root, run } from './run.mjs';

const versions = ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'];
const needs = ['', '-core', '-sqlite'].map((name) => `@toolweaver/analytics${name}`);
const startTimeoutMs = 30_000;

const route = `
  import { analytics } from '../../analytics.ts';
  export const dynamic = 'force-dynamic';
  export async function GET() {
    const client = await analytics();
    await client.trackOperation({ kind: 'skill', name: 'greet' }, () => 'hello');
    return Response.json(await client.healthCheck());
  }
`;
const layout = 'export default ({ children }) => <html lang="en"><body>{children}</body></html>;';

/** Runs a Next.js service set up as in the README: built by each bundler, moved elsewhere, started, and ended by a signal. */
export async function serveByNext(tarballs) {
  const files = await filesOfReadme();
  await inEmptyFolder(async (cwd) => {
    await install(cwd, [...versions, ...needs.map((name) => tarballs.get(name))]);
    await mkdir(join(cwd, 'app', 'greet'), { recursive: true });
    await writeFile(join(cwd, 'app', 'layout.js'), layout);
    await writeFile(join(cwd, 'app', 'greet', 'route.js'), route);
    await writeFile(join(cwd, 'analytics.ts'), files['analytics.ts']);
    await writeFile(join(cwd, 'next.config.mjs'), files['next.config.mjs'].replace('{', "{ output: 'standalone',"));
    for (const bundler of ['turbopack', 'webpack']) {
      const env = { ...process.env, HOME: cwd, NEXT_TELEMETRY_DISABLED: '1' };
      await run(process.execPath, [join('node_modules', 'next', 'dist', 'bin', 'next'), 'build', `--${bundler}`], {
        cwd,
        env,
      });
      assert.ok(!existsSync(join(cwd, '.toolweaver')), 'to build opens no database');
      await inEmptyFolder(async (away) => {
        await cp(join(cwd, '.next', 'standalone'), away, { recursive: true, verbatimSymlinks: true });
        await greet(away);
        const Database = createRequire(join(cwd, 'main.js'))('better-sqlite3');
        const database = new Database(join(away, '.toolweaver', 'analytics.db'), { readonly: true });
        assert.deepEqual(database.prepare('SELECT name, success FROM executions').all(), [
          { name: 'greet', success: 1 },
        ]);
        database.close();
      });
      console.log(`works: a service in Next.js, built by ${bundler}`);
    }
  });
}

/** The code blocks of the README that begin with a file name. */
async function filesOfReadme() {
  const readme = await readFile(join(root, 'packages', 'analytics', 'README.md'), 'utf8');
  const blocks = readme.matchAll(/```(?:js|ts)\n\/\/ (\S+)\n(.*?)```/gs);
  return Object.fromEntries(Array.from(blocks, ([, name, code]) => [name, code]));
}

/** Starts the server, sends it one request, and ends it before it must have written anything. */
async function greet(cwd) {
  const { port, release } = await holdPort();
  const { PATH } = process.env;
  const env = { PATH, HOME: cwd, HOSTNAME: '127.0.0.1', PORT: String(port) };
  const server = spawn(process.execPath, ['server.js'], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  server.stdout.on('data', (chunk) => output.push(chunk));
  server.stderr.on('data', (chunk) => output.push(chunk));
  const ended = once(server, 'close');
  try {
    const response = await answer(`http://127.0.0.1:${port}/greet`);
    assert.equal((await response.json()).healthy, true);
  } catch (cause) {
    throw new Error(`Next.js: ${Buffer.concat(output)}`, { cause });
  } finally {
    server.kill('SIGTERM');
    await ended;
    release();
  }
}

async function answer(url) {
  const untilMs = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      return await fetch(url);
    } catch (error) {
      if (Date.now() > untilMs) {
        throw error;
      }
      await setTimeout(100);
    }
  }
}
