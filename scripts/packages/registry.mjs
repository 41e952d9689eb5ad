import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runServer } from 'verdaccio';
import { run } from './run.mjs';

/**
 * Starts a local npm registry for our scope alone. It asks no other registry: npm fetches all other packages from its usual
 * one. `env` configures npm and pnpm accordingly, and lets them publish.
 */
export async function startRegistry(folder) {
  await mkdir(folder);
  const server = await runServer({
    self_path: folder,
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    uplinks: {},
    packages: { '@toolweaver/*': { access: '$all', publish: '$authenticated' } },
    web: { enable: false },
    log: { type: 'file', path: join(folder, 'log'), level: 'warn' },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${server.address().port}`;
  const npmrc = join(folder, 'npmrc');
  const own = await run('npm', ['config', 'get', 'userconfig']).then((path) =>
    readFile(path.trim(), 'utf8').catch(() => ''),
  );
  const ours = [`@toolweaver:registry=http://${address}/`, `//${address}/:_authToken=${await makeUser(address)}`];
  await writeFile(npmrc, [own, ...ours, ''].join('\n'), { mode: 0o600 });
  return {
    url: `http://${address}`,
    env: { ...process.env, npm_config_userconfig: npmrc },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Creates a user and returns its token. */
async function makeUser(address) {
  const name = 'rehearsal';
  const response = await fetch(`http://${address}/-/user/org.couchdb.user:${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: 'of a release' }),
  });
  const { token } = await response.json();
  return token;
}
