import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestAPI, test } from 'vitest';

// The official Python client: `node scripts/wandb-peer.mjs` installs it; WANDB_PYTHON names another Python that has it.
const root = resolve(import.meta.dirname, '../../../..');
const python = process.env['WANDB_PYTHON'] ?? join(root, '.cache', 'wandb-python', 'bin', 'python');
const isThere = existsSync(python);

/** Without the client the test is skipped and says so, or fails where `REQUIRE_PEERS` is 1. */
export function testWithPython(name: string, fn: () => Promise<void>, timeoutMs = 60_000): void {
  const run: TestAPI | TestAPI['skip'] = isThere || process.env['REQUIRE_PEERS'] === '1' ? test : test.skip;
  run(
    isThere ? name : `${name} (skipped: the Python client is not there; node scripts/wandb-peer.mjs installs it)`,
    async () => {
      if (!isThere) {
        throw new Error('the Python client is not there, and REQUIRE_PEERS is 1: node scripts/wandb-peer.mjs');
      }
      await fn();
    },
    timeoutMs,
  );
}

export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program or a module (`-m …`) of the official client against a service, in a folder of its own. */
export function runPython(args: readonly string[], cwd: string, url: string, apiKey: string): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(python, args, {
      cwd,
      env: {
        PATH: process.env['PATH'],
        HOME: cwd,
        WANDB_BASE_URL: url,
        WANDB_API_KEY: apiKey,
        WANDB_ERROR_REPORTING: 'false',
        WANDB_CACHE_DIR: join(cwd, 'cache'),
        WANDB_DATA_DIR: join(cwd, 'data'),
        WANDB_CONFIG_DIR: join(cwd, 'config'),
      },
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', fail);
    child.on('close', (status) => done({ status, output }));
  });
}

/** What users do with a directory that was written offline. */
export function sync(directory: string, cwd: string, url: string, apiKey: string): Promise<Ended> {
  return runPython(['-m', 'wandb', 'sync', directory], cwd, url, apiKey);
}
