import { stat } from 'node:fs/promises';
import { AnalyticsError } from '@toolweaver/analytics-core';
import { type Artifact, type ArtifactInput, prepareArtifact } from './artifact.ts';
import { messageOf } from './failure.ts';
import { isObject } from './json-text.ts';
import { artifactNameProblem, artifactTypeProblem } from './names.ts';
import type { Alert } from './operations.ts';
import type { RunFile } from './run-file.ts';

// What a caller gives and waits for is refused by its name where its form, or what it leads to on this machine, is wrong: it
// would else be taken for a failure of the disk or of the service. All of it throws AnalyticsError `INVALID_EVENT`.

export async function checkFile({ name, content }: RunFile): Promise<void> {
  if (typeof name !== 'string' || !isSource(content)) {
    refuse('file', 'must be given as a name and its content: bytes or { path }');
  }
  if ('path' in content) {
    const found = await readable('file', stat(content.path));
    if (!found.isFile()) {
      refuse('file', `must be a file, which ${content.path} is not`);
    }
  }
}

/** The artifact with its digests. `seed` names the version. */
export async function readArtifact(input: ArtifactInput, seed: string): Promise<Artifact> {
  if (!isObject(input) || !isObject(input.files) || !Object.values(input.files).every(isEntry)) {
    refuse('artifact', 'must be { name, type, files }, and each of its files bytes, { path } or { ref }');
  }
  const problem = artifactNameProblem(input.name) ?? artifactTypeProblem(input.type);
  if (problem !== undefined) {
    refuse('artifact', problem);
  }
  return readable('artifact', prepareArtifact(input, seed));
}

export function checkAlert(alert: Alert): void {
  if (!isObject(alert) || typeof alert.title !== 'string' || typeof alert.text !== 'string') {
    refuse('alert', 'must be { title, text }, both texts');
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
