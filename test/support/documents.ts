import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..', '..');

/** The text of a file of the repository. */
export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const inFolder = (folder: string): string[] => readdirSync(join(root, folder)).map((name) => join(folder, name));

/** Every document that users read, relative to the root. */
export const documents: readonly string[] = [
  ...['.', 'docs', 'packages/grafana/runbooks'].flatMap(inFolder),
  ...inFolder('packages').flatMap(inFolder),
  'bench/README.md',
].filter((file) => file.endsWith('.md'));
