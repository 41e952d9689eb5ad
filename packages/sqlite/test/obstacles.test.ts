import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from './support/child.ts';
import { damage, makeDatabase } from './support/damage.ts';
import { testFolder } from './support/folder.ts';

const unprivileged = new URL('./fixtures/unprivileged.ts', import.meta.url);

async function outcomeOf(what: string, path: string): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await run(unprivileged, [what, path]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

test('a folder that may not be written holds deliveries up, tells once, and loses nothing once it may', async () => {
  const { errors, ...outcome } = await outcomeOf('recreate', join(testFolder(), 'analytics.db'));
  expect(outcome).toEqual({ okBefore: false, queued: 100, delivered: 100, stored: 100 });
  expect(errors).toEqual([expect.stringContaining('BACKEND_UNAVAILABLE')]);
});

test('a file or a folder that may not be written is refused at the start, and taken once it may', async () => {
  const path = join(testFolder(), 'analytics.db');
  await makeDatabase(path, 10);
  const { file, inFolder, after } = await outcomeOf('start', path);
  expect(file).toContain('INVALID_CONFIG');
  expect(file).toContain(`${path} cannot be written (EACCES`);
  expect(inFolder).toContain('INVALID_CONFIG');
  expect(after).toBe('opened');
});

test('a damaged database in a folder that may not be written is left as it is', async () => {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  await makeDatabase(path, 10);
  damage(path, (bytes) => void bytes.fill(0xff, 100, 4096));
  const { inFolder, after } = await outcomeOf('start', path);
  expect(inFolder).toContain(`${path} cannot be written: check the permissions of the file and its directory`);
  expect(after).toBe('opened');
  expect(readdirSync(folder).filter((name) => name.includes('.corrupt-'))).toHaveLength(1);
});

test.skipIf(process.getuid?.() !== 0)('where nobody has a home directory, the path has to be given', async () => {
  const { stdout } = await run(new URL('./fixtures/homeless.ts', import.meta.url), []);
  const refused = expect.stringMatching(/^INVALID_CONFIG .*path: must be given in full \(ANALYTICS_DB_PATH /);
  expect(JSON.parse(stdout)).toEqual({ byDefault: refused, inHome: refused, inFull: 'opened' });
});
