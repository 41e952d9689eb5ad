import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { ArtifactEvent } from '@toolweaver/analytics-core';
import {
  type Artifact,
  type ArtifactEntry,
  artifactOf,
  bytesEntry,
  prepareArtifact,
  referenceEntry,
  urlOf,
} from '../files/artifact.ts';
import { toArtifactName, toArtifactType } from '../names.ts';

/** Makes a version of an artifact. If its file cannot be read, it is only a reference, and `failure` says why. */
export async function toArtifact(
  event: ArtifactEvent,
): Promise<{ readonly artifact: Artifact; readonly failure?: unknown }> {
  const { id, path = '', bytes } = event;
  const input = inputOf(event);
  const files = bytes === undefined ? { [lastPart(path)]: { path } } : { [input.name]: bytes };
  try {
    return { artifact: await prepareArtifact({ ...input, files }, id) };
  } catch (failure) {
    return { artifact: artifactOf(input, [referenceEntry(lastPart(path), urlOf(path))], id), failure };
  }
}

/** Like `toArtifact`, but synchronous. */
export function toArtifactSync(event: ArtifactEvent): Artifact {
  const { id, path = '', bytes } = event;
  const input = inputOf(event);
  return artifactOf(input, [bytes === undefined ? entryAt(path) : bytesEntry(input.name, bytes)], id);
}

function entryAt(path: string): ArtifactEntry {
  try {
    // Reading a pipe could block the process.
    if (statSync(path).isFile()) {
      return bytesEntry(lastPart(path), readFileSync(path));
    }
  } catch {
    // Becomes a reference, as below.
  }
  return referenceEntry(lastPart(path), urlOf(path));
}

/** The base name; never `.` or `..`, which would lead out of the artifact. */
function lastPart(path: string): string {
  return basename(resolve(path));
}

/** The metadata holds the names as recorded, because the service allows few characters in names. */
function inputOf({ name, kind }: ArtifactEvent): {
  readonly name: string;
  readonly type: string;
  readonly metadata: Record<string, unknown>;
} {
  return { name: toArtifactName(name), type: toArtifactType(kind), metadata: { name, kind } };
}
