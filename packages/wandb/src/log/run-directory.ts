import { accessSync, constants, existsSync, lstatSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '../failure.ts';
import { toPathPart } from '../names.ts';

/** The folder that runs are kept in: `wandb` below `dir`, or `.wandb` where that is there already. */
export function wandbFolder(dir: string): string {
  const hidden = join(resolve(dir), '.wandb');
  return existsSync(hidden) ? hidden : join(resolve(dir), 'wandb');
}

/** Makes the folder where it is missing, for its owner alone; one of the system's, which is told, where that cannot be. */
export function makeWandbFolder(dir: string, onElsewhere: (message: string) => void = () => {}): string {
  const wanted = wandbFolder(dir);
  try {
    return makeWritable(wanted);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOSPC') {
      throw error;
    }
    const folder = makeOwn(join(tmpdir(), process.getuid === undefined ? 'wandb' : `wandb-${process.getuid()}`));
    onElsewhere(
      `it is kept in ${folder}, as ${wanted} cannot be written (${code}); set WANDB_DIR or \`dir\` to a folder that can`,
    );
    return folder;
  }
}

/** In a place where others may have been before. */
function makeOwn(folder: string): string {
  makeWritable(folder);
  const { uid } = lstatSync(folder);
  if (process.getuid !== undefined && uid !== process.getuid()) {
    throw new Error(`${folder} belongs to another user`);
  }
  return folder;
}

/** With those above it, for their owner alone. Node's own `recursive` goes on for ever where Linux lets nobody make any, below `/proc`. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' && dirname(folder) !== folder) {
      makeFolder(dirname(folder));
      mkdirSync(folder, { mode: 0o700 });
    } else if (code !== 'EEXIST' || !statSync(folder).isDirectory()) {
      throw error;
    }
  }
}

function makeWritable(folder: string): string {
  makeFolder(folder);
  accessSync(folder, constants.W_OK);
  return folder;
}

/** A new directory for one run; its name tells `wandb sync` that the run has yet to be uploaded. */
export function makeRunDirectory(folder: string, runId: string, startedAt: number): string {
  for (let at = startedAt; ; at += 1000) {
    const path = join(folder, `offline-run-${localTime(at)}-${toPathPart(runId)}`);
    try {
      mkdirSync(path, { mode: 0o700 });
      mkdirSync(join(path, 'files'), { mode: 0o700 });
      pointTo(folder, path);
      return path;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') {
        throw error;
      }
    }
  }
}

/** For people who look for the latest run. */
function pointTo(folder: string, path: string): void {
  const link = join(folder, 'latest-run');
  try {
    rmSync(link, { force: true });
    symlinkSync(basename(path), link);
  } catch {
    // Not everywhere may one make links, and nobody depends on it.
  }
}

function localTime(unixMs: number): string {
  const at = new Date(unixMs);
  const two = (number: number): string => String(number).padStart(2, '0');
  const date = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  return `${date}_${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
}
