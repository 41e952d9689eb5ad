import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isAnalyticsError } from '@toolweaver/analytics-core';
import { configError, createFolder } from '@toolweaver/analytics-core/backend';
import { asTyped, type CommandOptions, help, parseCommand } from './command-options.ts';
import { type GeneratedFile, generateFiles, toJson } from './files.ts';

export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs the command that the arguments name, and returns the exit code. */
export function runCommand(args: readonly string[], cwd: string, version: string, output: Output): number {
  const { out, err } = output;
  let command: CommandOptions;
  let files: readonly GeneratedFile[];
  try {
    const parsed = parseCommand(args);
    if (parsed === 'help' || parsed === 'version') {
      out(parsed === 'help' ? help : `${version}\n`);
      return 0;
    }
    command = parsed;
    files = generateFiles(command.options);
  } catch (error) {
    const { message } = isAnalyticsError(error) ? configError(error.problems.map(asTyped)) : (error as Error);
    err(`${message.replace('Invalid analytics options: ', '')}\n`);
    err('Try: npx @toolweaver/analytics-grafana --help\n');
    return 2;
  }
  switch (command.action) {
    case 'list':
      out(command.json ? toJson({ files: files.map(withoutText) }) : toList(files));
      return 0;
    case 'print':
      return print(files, command, output);
    default:
      return write(files, resolve(cwd, command.subject ?? ''), command, output);
  }
}

function print(files: readonly GeneratedFile[], { subject = '', json }: CommandOptions, { out, err }: Output): number {
  const exact = files.find(({ path }) => path === subject);
  const [file, ...others] = exact === undefined ? files.filter(({ path }) => path.endsWith(subject)) : [exact];
  if (file === undefined) {
    err(`There is no file ${subject}; list shows those that there are\n`);
    return 1;
  }
  if (others.length > 0) {
    err(`More than one file ends with ${subject}:\n${toList([file, ...others])}`);
    return 1;
  }
  out(json ? toJson(file) : file.text);
  return 0;
}

type Outcome = 'written' | 'unchanged' | 'kept' | 'failed';

function write(
  files: readonly GeneratedFile[],
  folder: string,
  { force, json }: CommandOptions,
  { out, err }: Output,
): number {
  const paths: Record<Outcome, string[]> = { written: [], unchanged: [], kept: [], failed: [] };
  try {
    createFolder(folder);
  } catch (error) {
    err(`${folder} is no folder and cannot become one: ${(error as Error).message}\n`);
    return 1;
  }
  for (const { path, text } of files) {
    const target = join(folder, path);
    try {
      const before = existsSync(target) ? readFileSync(target, 'utf8') : undefined;
      const outcome = before === text ? 'unchanged' : before === undefined || force ? 'written' : 'kept';
      if (outcome === 'written') {
        replace(target, text);
      }
      paths[outcome].push(path);
    } catch (error) {
      paths.failed.push(path);
      err(`${target}: ${(error as Error).message}\n`);
    }
  }
  const { written, unchanged, kept, failed } = paths;
  if (kept.length > 0) {
    err(
      `${kept.length === 1 ? '1 file differs and was' : `${kept.length} files differ and were`} left alone (--force replaces):\n`,
    );
    err(kept.map((path) => `  ${path}\n`).join(''));
  }
  const counts = `${written.length} ${written.length === 1 ? 'file' : 'files'} written, ${unchanged.length} already there`;
  out(json ? toJson({ folder, ...paths }) : `${folder}: ${counts}\n`);
  return kept.length + failed.length > 0 ? 1 : 0;
}

/** Replaces a file atomically, because Grafana and Prometheus may be reading it. */
function replace(path: string, text: string): void {
  createFolder(dirname(path));
  const half = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(half, text);
    renameSync(half, path);
  } catch (error) {
    rmSync(half, { force: true });
    throw error;
  }
}

function withoutText({ path, description, text }: GeneratedFile): Record<string, unknown> {
  return { path, description, bytes: Buffer.byteLength(text) };
}

function toList(files: readonly GeneratedFile[]): string {
  const width = Math.max(...files.map(({ path }) => path.length));
  return files.map(({ path, description }) => `${path.padEnd(width)}  ${description}\n`).join('');
}
