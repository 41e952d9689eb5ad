import { type Artifact, type ArtifactEntry, digestOf, manifestText, md5 } from '../files/artifact.ts';
import { bodyOf } from '../files/run-file.ts';
import { jsonText } from '../json-text.ts';
import { dig, type RunPath, textAt, textsOf, unexpected } from './operations.ts';
import type { Service, Upload } from './service.ts';
import { eachOf, fromStorage } from './upload.ts';

const filesAtATime = 25;
const attempts = 3;

const createMutation = `mutation CreateArtifact($input: CreateArtifactInput!) {
  createArtifact(input: $input) { artifact { id state artifactSequence { id latestArtifact { id } } } } }`;

const manifestMutation = `mutation CreateArtifactManifest($artifactID: ID!, $baseArtifactID: ID, $name: String!, $digest: String!,
  $entityName: String!, $projectName: String!, $runName: String!, $manifestType: ArtifactManifestType!,
  $includeUpload: Boolean!) {
  createArtifactManifest(input: { artifactID: $artifactID, baseArtifactID: $baseArtifactID, name: $name, digest: $digest,
    entityName: $entityName, projectName: $projectName, runName: $runName, type: $manifestType }) {
    artifactManifest { id file { id uploadUrl @include(if: $includeUpload) uploadHeaders @include(if: $includeUpload) } } } }`;

const filesMutation = `mutation CreateArtifactFiles($artifactFiles: [CreateArtifactFileSpecInput!]!,
  $storageLayout: ArtifactStorageLayout!) {
  createArtifactFiles(input: { artifactFiles: $artifactFiles, storageLayout: $storageLayout }) {
    files { edges { node { id name storagePath uploadUrl uploadHeaders artifact { id } } } } } }`;

const commitMutation = `mutation CommitArtifact($artifactID: ID!) {
  commitArtifact(input: { artifactID: $artifactID }) { artifact { id digest } } }`;

/** Uploads a version and commits it. Content that the service already has is not uploaded again. */
export async function uploadArtifact(
  service: Service,
  run: RunPath,
  artifact: Artifact,
  historyStep: number | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const { entity: entityName, project: projectName, id: runName } = run;
  const input = {
    entityName,
    projectName,
    runName,
    artifactTypeName: artifact.type,
    artifactCollectionName: artifact.name,
    digest: digestOf(artifact),
    digestAlgorithm: 'MANIFEST_MD5',
    description: artifact.description ?? null,
    metadata: jsonText(artifact.metadata) ?? null,
    aliases: artifact.aliases.map((alias) => ({ artifactCollectionName: artifact.name, alias })),
    historyStep: historyStep ?? null,
    enableDigestDeduplication: true,
    clientID: artifact.clientId,
    sequenceClientID: artifact.sequenceId,
  };
  const created = dig(await service.graphql(createMutation, { input }, { signal }), 'createArtifact', 'artifact');
  const [artifactID, state] = [textAt(created, 'id'), textAt(created, 'state')];
  if (state === 'COMMITTED') {
    return;
  }
  if (artifactID === undefined || (state !== 'PENDING' && state !== 'DELETED')) {
    throw unexpected('CreateArtifact');
  }

  async function declareManifest(digest: string, includeUpload: boolean): Promise<unknown> {
    const baseArtifactID = textAt(created, 'artifactSequence', 'latestArtifact', 'id') ?? null;
    const names = { entityName, projectName, runName, name: 'wandb_manifest.json', manifestType: 'FULL' };
    const variables = { ...names, artifactID, baseArtifactID, digest, includeUpload };
    return dig(
      await service.graphql(manifestMutation, variables, { signal }),
      'createArtifactManifest',
      'artifactManifest',
    );
  }

  const manifestId = textAt(await declareManifest('', false), 'id');
  if (manifestId === undefined) {
    throw unexpected('CreateArtifactManifest');
  }
  const birthIds = new Map<string, string>();
  const files = artifact.entries.filter(({ content }) => !('ref' in content));
  for (let at = 0; at < files.length; at += filesAtATime) {
    await uploadSome(service, { artifactID, manifestId }, files.slice(at, at + filesAtATime), birthIds, signal);
  }
  const manifest = new TextEncoder().encode(manifestText(artifact, birthIds));
  const upload = uploadOf(dig(await declareManifest(md5(manifest), true), 'file'));
  if (upload === undefined) {
    throw unexpected('CreateArtifactManifest');
  }
  await service.put(upload, manifest, signal).catch((error) => {
    throw fromStorage(error);
  });
  await service.graphql(commitMutation, { artifactID }, { signal });
}

async function uploadSome(
  service: Service,
  { artifactID, manifestId }: { readonly artifactID: string; readonly manifestId: string },
  files: readonly ArtifactEntry[],
  birthIds: Map<string, string>,
  signal?: AbortSignal,
): Promise<void> {
  let left = files;
  for (let attempt = 1; left.length > 0; attempt += 1) {
    const specs = left.map(({ path, digest }) => ({
      artifactID,
      artifactManifestID: manifestId,
      name: path,
      md5: digest,
    }));
    const variables = { artifactFiles: specs, storageLayout: 'V2' };
    const edges = dig(
      await service.graphql(filesMutation, variables, { signal }),
      'createArtifactFiles',
      'files',
      'edges',
    );
    if (!Array.isArray(edges) || edges.length !== left.length) {
      throw unexpected('CreateArtifactFiles');
    }
    const pairs = left.map((file, at) => ({ file, node: dig(edges[at], 'node') }));
    const failed: ArtifactEntry[] = [];
    let failure: unknown;
    await eachOf(pairs, async ({ file, node }) => {
      birthIds.set(file.path, textAt(node, 'artifact', 'id') ?? artifactID);
      const upload = uploadOf(node);
      const { content } = file;
      // Without a URL, the service already has the content.
      if (upload !== undefined && !('ref' in content)) {
        try {
          await service.put(upload, await bodyOf(content), signal);
        } catch (error) {
          failure = error;
          failed.push(file);
        }
      }
    });
    if (failed.length > 0 && (attempt === attempts || signal?.aborted)) {
      throw fromStorage(failure);
    }
    left = failed;
  }
}

function uploadOf(node: unknown): Upload | undefined {
  const url = textAt(node, 'uploadUrl');
  return url === undefined ? undefined : { url, headers: textsOf(dig(node, 'uploadHeaders')) };
}
