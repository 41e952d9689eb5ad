import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { ArtifactEvent } from '@toolweaver/analytics-core';
import {
  type Artifact,
  type ArtifactEntry,
  artifactOf,
  bytesEntry,
  prepareArtifact,
  referenceEntry,
  urlOf,
} from './artifact.ts';
import { toArtifactName, toArtifactType } from './names.ts';

/** A version of an artifact; only a reference where the file cannot be read, and why it cannot. */
export async function toArtifact(
  event: ArtifactEvent,
): Promise<{ readonly artifact: Artifact; readonly failure?: unknown }> {
  const { id, path = '', bytes } = event;
  const input = inputOf(event);
  const files = bytes === undefined ? { [basename(path)]: { path } } : { [input.name]: bytes };
  try {
    return { artifact: await prepareArtifact({ ...input, files }, id) };
  } catch (failure) {
    return { artifact: artifactOf(input, [referenceEntry(basename(path), urlOf(path))], id), failure };
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
      return bytesEntry(basename(path), readFileSync(path));
    }
  } catch {
    // As below.
  }
  return referenceEntry(basename(path), urlOf(path));
}

/** Names as they were recorded stand in the metadata; the service takes few characters. */
function inputOf({ name, kind }: ArtifactEvent): {
  readonly name: string;
  readonly type: string;
  readonly metadata: Record<string, unknown>;
} {
  return { name: toArtifactName(name), type: toArtifactType(kind), metadata: { name, kind } };
}
