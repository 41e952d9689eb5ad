import { stat } from 'node:fs/promises';
import { AnalyticsError } from '@toolweaver/analytics-core';
import { messageOf } from '../failure.ts';
import { type Artifact, type ArtifactInput, prepareArtifact } from '../files/artifact.ts';
import type { RunFile } from '../files/run-file.ts';
import { isObject, jsonText } from '../json-text.ts';
import { artifactNameProblem, artifactTypeProblem, pathProblem } from '../names.ts';
import type { Alert, AlertLevel } from '../service/operations.ts';

// Checks the arguments of calls that return a promise, and the files that they name: an invalid one would otherwise look like
// a failure of the disk or of the service. All checks throw AnalyticsError `INVALID_EVENT`.

/** `wandb sync` writes these over what the run has stored. */
const ownFiles: readonly string[] = ['config.yaml', 'wandb-summary.json'];

export async function checkFile({ name, content }: RunFile): Promise<void> {
  if (typeof name !== 'string' || !isSource(content)) {
    refuse('file', 'must be given as a name and its content: bytes or { path }');
  }
  const problem = pathProblem(name);
  if (problem !== undefined) {
    refuse('file', `name ${problem}`);
  }
  if (ownFiles.includes(name)) {
    refuse('file', 'W&B writes this file itself; choose another name');
  }
  if ('path' in content) {
    const found = await readable('file', stat(content.path));
    if (!found.isFile()) {
      refuse('file', `must be a file, which ${content.path} is not`);
    }
  }
}

/** Returns the artifact with its digests. `seed` identifies the version. */
export async function readArtifact(input: ArtifactInput, seed: string): Promise<Artifact> {
  const isWhole = isObject(input) && typeof input.name === 'string' && typeof input.type === 'string';
  if (!isWhole || !isObject(input.files) || !Object.values(input.files).every(isEntry)) {
    refuse('artifact', 'must be { name, type, files }, and each of its files bytes, { path } or { ref }');
  }
  const problem = artifactNameProblem(input.name) ?? artifactTypeProblem(input.type) ?? detailProblem(input);
  if (problem !== undefined) {
    refuse('artifact', problem);
  }
  const artifact = await readable('artifact', prepareArtifact(input, seed));
  for (const [at, { path }] of artifact.entries.entries()) {
    // Entries are sorted.
    const wrong = path === artifact.entries[at - 1]?.path ? `must be given once, got ${path} twice` : pathProblem(path);
    if (wrong !== undefined) {
      refuse('artifact', `each path in files ${wrong}`);
    }
  }
  return artifact;
}

function detailProblem({ description, metadata, aliases }: ArtifactInput): string | undefined {
  if (description !== undefined && typeof description !== 'string') {
    return 'description must be a string';
  }
  if (aliases !== undefined && !(Array.isArray(aliases) && aliases.every(isAlias))) {
    return 'aliases must be a list of strings without / and :';
  }
  try {
    const text = isObject(metadata) ? jsonText(metadata) : undefined;
    if (text !== undefined) {
      JSON.parse(text);
    }
    return metadata === undefined || text !== undefined ? undefined : 'metadata must be an object';
  } catch (error) {
    // Only rows may have these.
    const why = error instanceof SyntaxError ? 'NaN and Infinity are not allowed' : messageOf(error);
    return `metadata must be data for JSON: ${why}`;
  }
}

function isAlias(alias: unknown): boolean {
  return typeof alias === 'string' && /^[^/:]+$/.test(alias);
}

const levels: readonly unknown[] = ['INFO', 'WARN', 'ERROR'] satisfies AlertLevel[];

export function checkAlert(alert: Alert): void {
  if (!isObject(alert) || typeof alert.title !== 'string' || typeof alert.text !== 'string') {
    refuse('alert', 'must be { title, text }, both strings');
  }
  const { level = 'INFO', waitMs = 0 } = alert;
  if (!levels.includes(level)) {
    refuse('alert', `level must be one of ${levels.join(', ')}`);
  }
  // A number of more than 64 bits would make the log of an offline run unreadable.
  if (!(typeof waitMs === 'number' && waitMs >= 0 && waitMs <= Number.MAX_SAFE_INTEGER)) {
    refuse('alert', `waitMs must be a number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
}

function isEntry(source: unknown): boolean {
  return isSource(source) || (isObject(source) && typeof source['ref'] === 'string');
}

function isSource(source: unknown): boolean {
  return source instanceof Uint8Array || (isObject(source) && typeof source['path'] === 'string');
}

async function readable<T>(field: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    return refuse(field, `cannot be read: ${messageOf(error)}`, error);
  }
}

function refuse(field: string, message: string, cause?: unknown): never {
  throw new AnalyticsError('INVALID_EVENT', `${field}: ${message}`, { problems: [{ field, message }], cause });
}
