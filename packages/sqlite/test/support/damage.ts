import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { execution } from '@toolweaver/analytics-testkit';

/** A closed database with some thousand executions. */
export async function makeDatabase(path: string, count = 2_000): Promise<void> {
  const backend = await sqlite({ path });
  await backend.write(Array.from({ length: count }, (_, at) => execution({ userId: `user ${at}` })));
  await backend.close?.();
}

/** Writes over the bytes of a file, in place: who has it open does not notice. */
export function damage(path: string, change: (bytes: Buffer) => Buffer | undefined): Buffer {
  const bytes = readFileSync(path);
  const damaged = change(bytes) ?? bytes;
  writeFileSync(path, damaged);
  return damaged;
}

export const damages: readonly (readonly [what: string, change: (bytes: Buffer) => Buffer | undefined])[] = [
  ['without its header', (bytes) => void bytes.fill(0, 0, 100)],
  ['with another header', (bytes) => void bytes.write('something else entirely', 0)],
  ['with a first page of zeroes', (bytes) => void bytes.fill(0, 0, 4096)],
  ['with a first page of ones', (bytes) => void bytes.fill(0xff, 100, 4096)],
  ['of a format that SQLite does not know', (bytes) => void bytes.writeUInt32BE(9, 44)],
  ['without the version of its schema', (bytes) => void bytes.writeUInt32BE(0, 60)],
  ['with a version of its schema below zero', (bytes) => void bytes.writeInt32BE(-5, 60)],
  ['without its second half', (bytes) => bytes.subarray(0, (bytes.length >> 13) << 12)],
  ['cut off in the middle of a page', (bytes) => bytes.subarray(0, bytes.length - 5000)],
  ['with pages of noise', (bytes) => void bytes.fill(0x5a, bytes.length >> 1)],
];

/** The files that were set aside beside one, without their logs. */
export function setAsideFiles(path: string): string[] {
  const name = `${basename(path)}.corrupt-`;
  return readdirSync(dirname(path))
    .filter((file) => file.startsWith(name) && !/-(wal|shm)$/.test(file))
    .map((file) => join(dirname(path), file))
    .toSorted();
}

export function copyDatabase(from: string, to: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(`${from}${suffix}`)) {
      copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
    }
  }
}
