import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keyFromNetrc, keyProblem, passwordIn } from '../src/settings/key.ts';
import { testFolder } from './support/folder.ts';

test.each([
  ['f'.repeat(40)],
  [`local-${'a'.repeat(40)}`],
  [`wandb_v1_${'Ab9_'.repeat(20)}`],
  [`on-prem-with-dashes-${'a'.repeat(40)}`],
  // Only the first dash ends the name of the server.
  [`local-${'ab-_'.repeat(10)}`],
  ['header.payload.signature'],
])('takes the key %s', (key) => {
  expect(keyProblem(key)).toBeUndefined();
});

test.each([
  ['', 'must not be empty'],
  [` ${'a'.repeat(40)}`, 'must have no blanks around it'],
  ['a'.repeat(39), 'has 39'],
  [`local-${'a'.repeat(39)}`, 'has 39'],
  [`${'a'.repeat(40)}!`, 'must consist of letters'],
])('refuses the key %j, and says nothing of it', (key, message) => {
  expect(keyProblem(key)).toContain(message);
  if (key !== '') {
    expect(keyProblem(key)).not.toContain(key.trim().slice(0, 12));
  }
});

test.each([
  ['machine api.wandb.ai login user password secret'],
  ['machine api.wandb.ai\n  login user\n  password secret\n'],
  ['machine other password no\nmachine api.wandb.ai password "sec\\ret"\n'],
  ["default password no\nmachine api.wandb.ai login 'a b' password 'secret'"],
  ['macdef init\nmachine api.wandb.ai password no\n\nmachine api.wandb.ai password secret'],
  ['# machine api.wandb.ai password no\nmachine api.wandb.ai password secret # mine'],
  ['machine api.wandb.ai account password password secret'],
])('finds the password in %j', (netrc) => {
  expect(passwordIn(netrc, 'api.wandb.ai')).toBe('secret');
});

test.each([
  ['machine a password "abc #def"', 'abc #def'],
  ["machine a password 'abc #def' # it's mine", 'abc #def'],
  ['machine a password abc#def', 'abc#def'],
  ['machine a #login user password no\n password "#abc"', '#abc'],
])('a comment begins where a word does, and not inside of quotes: %j', (netrc, password) => {
  expect(passwordIn(netrc, 'a')).toBe(password);
});

test('goes by host and port, and takes the default where there is no other', () => {
  const netrc = 'machine localhost password none\nmachine localhost:8080 password right\ndefault password fallback';
  expect(passwordIn(netrc, 'localhost:8080')).toBe('right');
  expect(passwordIn(netrc, 'localhost:9090')).toBe('fallback');
  expect(passwordIn('machine a password', 'a')).toBeUndefined();
  expect(passwordIn('nonsense { [', 'a')).toBeUndefined();
});

test('reads the file that is named, and nothing where there is none', () => {
  const path = join(testFolder(), 'netrc');
  expect(keyFromNetrc(path, 'a')).toBeUndefined();
  writeFileSync(path, 'machine a login user password secret');
  expect(keyFromNetrc(path, 'a')).toBe('secret');
});
