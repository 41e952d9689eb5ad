import { createHash, randomInt } from 'node:crypto';
import { describeValue } from '@toolweaver/analytics-core/backend';

// The service's rules for names. Functions of this first group return what is wrong with a name, or undefined.

const maxName = 128;
const maxTag = 64;

export function projectProblem(project: string): string | undefined {
  if (project.trim() === '' || project.length > maxName) {
    return `must have 1 to ${maxName} characters, has ${project.trim() === '' ? 0 : project.length}`;
  }
  return /[/\\#?%:]/.test(project) ? `must contain none of / \\ # ? % :, got ${describeValue(project)}` : undefined;
}

export function entityProblem(entity: string): string | undefined {
  return /^[^\s/\\#?%:]{1,128}$/.test(entity)
    ? undefined
    : `must be the name of a user or a team, got ${describeValue(entity)}`;
}

export function runIdProblem(id: string): string | undefined {
  if (id === '' || id.trim() !== id || id.length > maxName) {
    return `must have 1 to ${maxName} characters and no blanks around them, got ${describeValue(id)}`;
  }
  return /[:;,#?/'\\]|\p{Cc}/u.test(id) ? `must contain none of : ; , # ? / \\ ', got ${describeValue(id)}` : undefined;
}

export function tagProblem(tag: string): string | undefined {
  return tag.length >= 1 && tag.length <= maxTag
    ? undefined
    : `must have 1 to ${maxTag} characters, got ${describeValue(tag)}`;
}

export function artifactNameProblem(name: string): string | undefined {
  return /^[\w.-]{1,128}$/.test(name) ? undefined : `must be 1 to 128 of A-Z a-z 0-9 _ . -, got ${describeValue(name)}`;
}

export function artifactTypeProblem(type: string): string | undefined {
  if (/^(job|code|run_table|wandb-.*)$/.test(type)) {
    return `${JSON.stringify(type)} is reserved`;
  }
  return artifactNameProblem(type);
}

/** For the path of a file in a run or in an artifact. */
export function pathProblem(path: string): string | undefined {
  return path.split('/').some((part) => part === '' || part === '.' || part === '..')
    ? `must be a relative path, without empty parts, . and .., got ${describeValue(path)}`
    : undefined;
}

// Functions of this group turn any string into a valid name, always the same one. Only projects and tags may collide.

/** The service's id for a run that got its id elsewhere. */
export function toRunId(id: string): string {
  return /^[\w-]{1,64}$/.test(id) ? id : digest(id, 16);
}

export function toProject(project: string): string {
  const name = shortened(project.replace(/[/\\#?%:]/g, '-').trim(), maxName);
  return name === '' ? 'uncategorized' : name;
}

export function toTag(tag: string): string {
  return shortened(tag, maxTag);
}

export function toArtifactName(name: string): string {
  return artifactNameProblem(name) === undefined
    ? name
    : `${name.replace(/[^\w.-]+/g, '-').slice(0, 100)}-${digest(name, 8)}`;
}

export function toArtifactType(type: string): string {
  return artifactTypeProblem(type) === undefined
    ? type
    : `${digest(type, 8)}-${toArtifactName(type)}`.slice(0, maxName);
}

/** On Windows, files of these names are devices, whatever their extension. */
const deviceName = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/**
 * Returns a safe relative path for any key: the key itself, or with a digest of it before the extension. No part has more
 * than `maxBytes`; file systems allow 255.
 */
export function toPathPart(key: string, maxBytes = 200): string {
  const parts = key.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what some file systems refuse
  const safe = parts.map((part) => part.replace(/[<>:"|?*\\\u0000-\u001f]|[. ]+$/g, '_').replace(deviceName, '_$&'));
  if (safe.join('/') === key && safe.every((part) => Buffer.byteLength(part) <= maxBytes)) {
    return key;
  }
  const last = safe.pop() ?? '_';
  const extension = /.(\.\w{1,16})$/.exec(last)?.[1] ?? '';
  const end = `-${digest(key, 8)}${extension}`;
  const stem = cut(last.slice(0, last.length - extension.length), maxBytes - end.length);
  return [...safe.map((part) => cut(part, maxBytes)), stem + end].join('/');
}

/** Cuts the string, without half a surrogate pair at its end. */
function shortened(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '');
}

/** Cuts the string to `maxBytes` of UTF-8, between characters. */
function cut(text: string, maxBytes: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, maxBytes), { stream: true });
}

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Returns random letters and digits from a cryptographic source. */
export function randomName(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}
