import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFolder } from '../src/for-backends.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folders-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test('a folder is created with those above it, in the mode that is asked for', () => {
  createFolder(join(folder, 'a', 'b'), 0o750);
  expect([modeOf(join(folder, 'a')), modeOf(join(folder, 'a', 'b'))]).toEqual(['750', '750']);
  createFolder(join(folder, 'a', 'b'), 0o700);
  expect(modeOf(join(folder, 'a', 'b'))).toBe('750');
});

test('what cannot become a folder is named', () => {
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('/nowhere', join(folder, 'link'));
  expect(() => createFolder(join(folder, 'file', 'below'))).toThrow(`${join(folder, 'file')} is no folder`);
  expect(() => createFolder(join(folder, 'link', 'below'))).toThrow(`the link ${join(folder, 'link')} leads nowhere`);
});

test.skipIf(process.platform !== 'linux')('a file system that takes none is no reason to try for ever', () => {
  expect(() => createFolder('/proc/none/below')).toThrow('ENOENT');
});
