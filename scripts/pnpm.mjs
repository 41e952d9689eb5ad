// Starts this workspace's tools on a machine that has only npm and some Node, 18 or later.
//
//   node scripts/pnpm.mjs node <file> [args]    runs a program of the workspace in the caller's directory
//   node scripts/pnpm.mjs run <script> [args]   runs a script of the root package.json
//   node scripts/pnpm.mjs exec <tool> [args]    runs an installed tool in the workspace's root
//   node scripts/pnpm.mjs <anything else>       goes to pnpm unchanged
//
// The first three install the dependencies and build the packages first. That reports on stderr, so stdout belongs to the
// program. If the Node or pnpm on PATH does not fit, the pinned one is installed from the npm registry into .toolchain/;
// nothing outside this folder changes.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const isWindows = process.platform === 'win32';
const isMusl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
const executable = isWindows ? '.exe' : '';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const pinned = {
  node: readFileSync(join(root, '.node-version'), 'utf8').trim(),
  pnpm: readJson(join(root, 'package.json')).devEngines.packageManager.version,
};

const callerDirectory = process.env.INIT_CWD ?? process.cwd();
const env = environment();

/** The caller's environment without what npm tells its scripts about itself; registry, proxy and CA settings stay. */
function environment() {
  const ofNpm = /^(npm_(?!config_).*|npm_config_(user_agent|loglevel|local_prefix)|init_cwd|node)$/i;
  const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofNpm.test(name)));
  return { TURBO_TELEMETRY_DISABLED: '1', ...kept };
}

function prependPath(folders) {
  const name = Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  env[name] = [...folders, env[name]].filter(Boolean).join(delimiter);
}

function stop(message, status = 1) {
  if (message) {
    console.error(message);
  }
  process.exit(status);
}

/** Whether this Node strips types without a flag and is supported by vitest. */
function nodeFits() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major >= 26 || (major === 24 && minor >= 11) || (major === 22 && minor >= 18);
}

/** Asks pnpm for its version outside the workspace and offline, so that a version manager in its place downloads nothing. */
function pnpmFits() {
  const answer = spawnSync('pnpm', ['--version'], {
    cwd: tmpdir(),
    encoding: 'utf8',
    env: { ...env, COREPACK_ENABLE_NETWORK: '0' },
    shell: isWindows,
    timeout: 20_000,
  });
  return answer.status === 0 && answer.stdout.split('.')[0] === pinned.pnpm.split('.')[0];
}

/** Returns packages that contain one finished binary for this platform. Unlike their parents, they need no install script. */
function missingTools() {
  const tools = [];
  if (!nodeFits()) {
    if (isMusl || process.platform === 'darwin') {
      stop(`Node ${process.versions.node} is too old or unsupported here: please install Node 22.18+, 24.11+ or 26+.`);
    }
    const platform = isWindows ? 'win' : process.platform;
    tools.push({ name: `node-${platform}-${process.arch}`, version: pinned.node, binary: `bin/node${executable}` });
  }
  if (!pnpmFits()) {
    const platform = `${process.platform}-${process.arch}${isMusl ? '-musl' : ''}`;
    tools.push({ name: `@pnpm/exe.${platform}`, version: pinned.pnpm, binary: `pnpm${executable}` });
  }
  return tools;
}

function isTaken({ name, version, binary }) {
  const folder = join(root, '.toolchain', 'node_modules', name);
  const manifest = join(folder, 'package.json');
  return existsSync(join(folder, binary)) && existsSync(manifest) && readJson(manifest).version === version;
}

async function provideTools() {
  const tools = missingTools();
  if (!tools.every(isTaken)) {
    const wanted = tools.map(({ name, version }) => `${name}@${version}`);
    console.error(`Taking ${wanted.join(' and ')} from the npm registry into .toolchain/`);
    const here = ['--prefix=.toolchain', '--no-save', '--no-package-lock', '--ignore-scripts', '--prefer-offline'];
    const terse = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
    // Name every tool: npm removes packages that an install without saving does not mention.
    await quietly('npm', ['install', ...here, ...terse, ...wanted]);
  }
  prependPath(tools.map(({ name, binary }) => dirname(join(root, '.toolchain', 'node_modules', name, binary))));
}

async function provideWorkspace() {
  if (!existsSync(join(root, 'node_modules', '.modules.yaml'))) {
    console.error('Installing the dependencies');
  }
  // Trust the committed lockfile: having the registry confirm the age of each entry would triple a cold start.
  await quietly('pnpm', ['install', '--frozen-lockfile', '--trust-lockfile', '--loglevel=warn']);
  prependPath([join(root, 'node_modules', '.bin')]);
  await quietly('turbo', ['run', 'build', '--output-logs=errors-only']);
}

/** Runs a set-up step whose output matters only when it fails. */
async function quietly(command, args) {
  const output = [];
  const status = await start(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] }, (child) => {
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
  });
  if (status !== 0) {
    stop(`${Buffer.concat(output)}\n${command} ${args[0]} failed (exit ${status})`, status);
  }
}

function start(command, args, options, onStart = () => {}) {
  return new Promise((done) => {
    // npm, pnpm and turbo may be .cmd files, which only a shell can start.
    const shell = isWindows && command !== 'node';
    const child = spawn(command, args, { ...options, env, shell });
    const forward = (signal) => child.kill(signal);
    // The terminal sends Ctrl-C to the child as well, so wait until it has ended.
    const wait = () => {};
    process.on('SIGTERM', forward).on('SIGINT', wait);
    onStart(child);
    child.on('error', (error) => stop(`${command}: ${error.message}`));
    child.on('close', (status, signal) => {
      process.off('SIGTERM', forward).off('SIGINT', wait);
      done(status ?? 128 + constants.signals[signal]);
    });
  });
}

const [verb, ...rest] = process.argv.slice(2);
await provideTools();
if (verb === 'node' || verb === 'run' || verb === 'exec') {
  await provideWorkspace();
}
if (verb === 'node') {
  const file = rest.findIndex((arg) => !arg.startsWith('-'));
  const args = rest.map((arg, index) => (index === file ? join(root, arg) : arg));
  stop('', await start('node', args, { cwd: callerDirectory, stdio: 'inherit' }));
}
stop('', await start('pnpm', process.argv.slice(2), { cwd: root, stdio: 'inherit' }));
