import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** Runs a program to its end and returns what it printed. @throws Error with all of that when it fails. */
export function run(command, args, { cwd = root, env = process.env } = {}) {
  return new Promise((done, fail) => {
    // npm and the tools of the workspace are .cmd files on Windows, which only a shell can start.
    const shell = process.platform === 'win32' && !command.endsWith('.exe');
    const child = spawn(command, args, { cwd, env, shell, stdio: ['ignore', 'pipe', 'pipe'], timeout: 600_000 });
    const output = { stdout: '', stderr: '' };
    for (const [name, stream] of [
      ['stdout', child.stdout],
      ['stderr', child.stderr],
    ]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output[name] += text;
      });
    }
    child.on('error', fail);
    child.on('close', (status, signal) => {
      if (status === 0) {
        done(output.stdout);
      } else {
        fail(
          new Error(`${command} ${args.join(' ')}: ${signal ?? `exit ${status}`}\n${output.stdout}${output.stderr}`),
        );
      }
    });
  });
}

/** Runs a task in an empty folder outside the workspace, and removes it. */
export async function inEmptyFolder(task) {
  const folder = await mkdtemp(join(tmpdir(), 'toolweaver-'));
  try {
    return await task(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs a task per item, as many at once as there are processors. Waits for all before it throws the first failure. */
export async function forEach(items, task) {
  const left = items.values();
  const workers = Array.from({ length: availableParallelism() }, async () => {
    for (const item of left) {
      await task(item);
    }
  });
  const failed = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected');
  if (failed) {
    throw failed.reason;
  }
}
