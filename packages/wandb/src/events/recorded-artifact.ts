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

/** A version of an artifact; only a reference where the file cannot be read, and why it cannot. */
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

/** The same, without waiting. */
export function toArtifactSync(event: ArtifactEvent): Artifact {
  const { id, path = '', bytes } = event;
  const input = inputOf(event);
  return artifactOf(input, [bytes === undefined ? entryAt(path) : bytesEntry(input.name, bytes)], id);
}

function entryAt(path: string): ArtifactEntry {
  try {
    // A pipe would hold the process up.
    if (statSync(path).isFile()) {
      return bytesEntry(lastPart(path), readFileSync(path));
    }
  } catch {
    // As below.
  }
  return referenceEntry(lastPart(path), urlOf(path));
}

/** Never `.` or `..`, which would lead out of the artifact. */
function lastPart(path: string): string {
  return basename(resolve(path));
}

/** Names as they were recorded stand in the metadata; the service takes few characters. */
function inputOf({ name, kind }: ArtifactEvent): {
  readonly name: string;
  readonly type: string;
  readonly metadata: Record<string, unknown>;
} {
  return { name: toArtifactName(name), type: toArtifactType(kind), metadata: { name, kind } };
}
