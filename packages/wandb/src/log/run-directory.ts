import { accessSync, constants, existsSync, lstatSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { isDiskFull } from '@toolweaver/analytics-core/backend';
import { codeOf } from '../failure.ts';
import { toPathPart } from '../names.ts';

/** The folder for runs: `wandb` below `dir`, or `.wandb` if that already exists. */
export function wandbFolder(dir: string): string {
  const hidden = join(resolve(dir), '.wandb');
  return existsSync(hidden) ? hidden : join(resolve(dir), 'wandb');
}

/**
 * Creates the folder for runs if it is missing, accessible to its owner only. If it cannot be written, uses one in the
 * system's temporary directory and calls `onElsewhere`.
 */
export function makeWandbFolder(dir: string, onElsewhere: (message: string) => void = () => {}): string {
  const wanted = wandbFolder(dir);
  try {
    return makeWritable(wanted);
  } catch (error) {
    if (isDiskFull(error)) {
      throw error;
    }
    const folder = makeOwn(join(tmpdir(), process.getuid === undefined ? 'wandb' : `wandb-${process.getuid()}`));
    onElsewhere(
      `it is kept in ${folder}, as ${wanted} cannot be written (${codeOf(error)}); set WANDB_DIR or \`dir\` to a folder that can`,
    );
    return folder;
  }
}

/** Makes a folder in a shared place, where another user may have created it before. */
function makeOwn(folder: string): string {
  makeWritable(folder);
  const { uid } = lstatSync(folder);
  if (process.getuid !== undefined && uid !== process.getuid()) {
    throw new Error(`${folder} belongs to another user`);
  }
  return folder;
}

/** Makes a folder and its parents, for their owner only. Node's `recursive` option never returns below `/proc` on Linux. */
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

/** Creates a directory for one run. Its name tells `wandb sync` that the run has not been uploaded yet. */
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

/** Points the link `latest-run` to the run's directory, for people who look for it. */
function pointTo(folder: string, path: string): void {
  const link = join(folder, 'latest-run');
  try {
    rmSync(link, { force: true });
    symlinkSync(basename(path), link);
  } catch {
    // Some systems do not allow links, and nothing depends on this one.
  }
}

function localTime(unixMs: number): string {
  const at = new Date(unixMs);
  const two = (number: number): string => String(number).padStart(2, '0');
  const date = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  return `${date}_${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
}
