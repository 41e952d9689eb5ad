import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import type { OptionNames } from '@toolweaver/analytics-core/backend';
import { codeOf } from '../failure.ts';

/** A file, or a reference to content elsewhere. */
export interface ArtifactEntry {
  /** Path inside the artifact, with forward slashes. */
  readonly path: string;
  readonly content: Uint8Array<ArrayBuffer> | { readonly path: string } | { readonly ref: string };
  /** MD5 in base64; for a reference, the reference itself. */
  readonly digest: string;
  readonly size: number;
}

/** A complete version of an artifact: only the content of its files is read later. */
export interface Artifact {
  readonly name: string;
  readonly type: string;
  readonly description: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly aliases: readonly string[];
  /** Sorted by path, in code point order. */
  readonly entries: readonly ArtifactEntry[];
  /** Identifies this version to the service: 128 letters and digits, the same on every attempt. */
  readonly clientId: string;
  /** Identifies the sequence of versions. */
  readonly sequenceId: string;
}

/** Bytes, a local file or folder, or the URL of content elsewhere, which is not uploaded. Files must be smaller than 2 GiB. */
export type ArtifactSource = Uint8Array | { readonly path: string } | { readonly ref: string };

/** A version of an artifact to log. Names and types that the service does not accept are refused with `INVALID_EVENT`. */
export interface ArtifactInput {
  /** 1 to 128 characters of `A-Z a-z 0-9 _ . -`. */
  readonly name: string;
  /** E.g. `model` or `dataset`. */
  readonly type: string;
  readonly description?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Default: `latest`. */
  readonly aliases?: readonly string[] | undefined;
  /** By path inside the artifact: bytes, a file, a folder with all its content, or a reference (any URL). */
  readonly files: Readonly<Record<string, ArtifactSource>>;
}

export const knownInArtifact: OptionNames<ArtifactInput> = {
  name: true,
  type: true,
  description: true,
  metadata: true,
  aliases: true,
  files: true,
};

/** Larger files would need multipart uploads, which are not supported. */
const maxFileBytes = 2 * 1024 ** 3;

/**
 * Reads the files of an artifact and computes their digests.
 * @param seed identifies the version: the same seed gives the same ids.
 * @throws Error for a file that cannot be read, or has 2 GiB or more.
 */
export async function prepareArtifact(input: ArtifactInput, seed: string): Promise<Artifact> {
  // Bytes are copied before the first await, because the caller may change them afterwards.
  const given = Object.entries(input.files).map(([path, source]) =>
    source instanceof Uint8Array ? bytesEntry(path, source) : { path, source },
  );
  const entries: ArtifactEntry[][] = [];
  for (const one of given) {
    entries.push('source' in one ? await entriesOf(one.path, one.source) : [one]);
  }
  return artifactOf(input, entries.flat(), seed);
}

/** Makes an artifact of entries that are already known. */
export function artifactOf(
  { name, type, description, metadata, aliases = ['latest'] }: Omit<ArtifactInput, 'files'>,
  entries: readonly ArtifactEntry[],
  seed: string,
  sequenceSeed: string = seed,
): Artifact {
  const sorted = entries.toSorted((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)));
  const clientId = clientIdOf(seed);
  return {
    name,
    type,
    description,
    metadata,
    aliases,
    entries: sorted,
    clientId,
    sequenceId: clientIdOf(`sequence ${sequenceSeed}`),
  };
}

export function clientIdOf(seed: string): string {
  return createHash('sha512').update(seed).digest('hex');
}

export function bytesEntry(path: string, bytes: Uint8Array): ArtifactEntry {
  const content = Uint8Array.from(bytes);
  return { path, content, digest: md5(content), size: content.byteLength };
}

export function referenceEntry(path: string, ref: string): ArtifactEntry {
  return { path, content: { ref }, digest: ref, size: 0 };
}

async function entriesOf(path: string, source: Exclude<ArtifactSource, Uint8Array>): Promise<ArtifactEntry[]> {
  if ('ref' in source) {
    return [referenceEntry(path, source.ref)];
  }
  const file = resolve(source.path);
  if (!(await stat(file)).isDirectory()) {
    return [await fileEntry(path, file)];
  }
  const entries: ArtifactEntry[] = [];
  for (const entry of await readdir(file, { recursive: true, withFileTypes: true })) {
    const one = join(entry.parentPath, entry.name);
    // Files of model caches are often links. Links to folders are not followed, because they may form a cycle.
    const found = entry.isSymbolicLink() ? await stat(one).catch(nothing) : entry;
    if (found?.isFile()) {
      const below = relative(file, one).split(sep).join('/');
      entries.push(await fileEntry(path === '' ? below : `${path}/${below}`, one));
    }
  }
  return entries;
}

/** Ignores a dangling link. */
function nothing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') {
    throw error;
  }
}

async function fileEntry(path: string, file: string): Promise<ArtifactEntry> {
  const found = await stat(file);
  // Reading a pipe or a device may never end.
  if (!found.isFile()) {
    throw new Error(`${file} is no file`);
  }
  const { size } = found;
  if (size >= maxFileBytes) {
    throw new Error(`${basename(file)} has ${size} bytes; files have to be smaller than 2 GiB`);
  }
  const hash = createHash('md5');
  await pipeline(createReadStream(file), hash);
  return { path, content: { path: file }, digest: hash.digest('base64'), size };
}

/** The path as a `file:` URL, for a file that cannot be uploaded: the artifact then records where it was. */
export function urlOf(path: string): string {
  return pathToFileURL(resolve(path)).href;
}

export function md5(content: Uint8Array): string {
  return createHash('md5').update(content).digest('base64');
}

/** The digest by which the service identifies the content. */
export function digestOf({ entries }: Artifact): string {
  const hash = createHash('md5').update('wandb-artifact-manifest-v1\n');
  for (const { path, digest } of entries) {
    hash.update(`${path}:${digest}\n`);
  }
  return hash.digest('hex');
}

/** The manifest as JSON. `birthIds`: by path, the id of the artifact that introduced it, as the service returned it. */
export function manifestText({ entries }: Artifact, birthIds: ReadonlyMap<string, string>): string {
  const contents = entries.map(({ path, content, digest, size }) => {
    const birthArtifactID = birthIds.get(path);
    return [path, 'ref' in content ? { digest, ref: content.ref, size } : { digest, birthArtifactID, size }] as const;
  });
  return JSON.stringify({
    version: 1,
    storagePolicy: 'wandb-storage-policy-v1',
    storagePolicyConfig: { storageLayout: 'V2' },
    contents: Object.fromEntries(contents),
  });
}
