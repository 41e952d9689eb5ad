import { readFileSync } from 'node:fs';
import { expandHome } from '@toolweaver/analytics-core/backend';
import { codeOf } from '../failure.ts';

const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const minSecretLength = 40;

/** Returns what is wrong with an API key; undefined if nothing is. Never includes any of the key. */
export function keyProblem(key: string): string | undefined {
  if (key === '') {
    return 'must not be empty';
  }
  if (key.trim() !== key) {
    return 'must have no blanks around it';
  }
  if (jwt.test(key)) {
    return undefined;
  }
  // Keys of self-hosted servers begin with the server's name and a dash.
  const secret = key.slice(key.indexOf('-') + 1);
  if (!/^[\w-]*$/.test(secret)) {
    return 'must consist of letters, digits, _ and -';
  }
  return secret.length < minSecretLength
    ? `must have at least ${minSecretLength} characters (after the first dash, if there is one), has ${secret.length}`
    : undefined;
}

/** The password of a machine (`host` or `host:port`) in the text of a netrc file, else that of its `default`. */
export function passwordIn(netrc: string, machine: string): string | undefined {
  const tokens = tokensOf(netrc);
  let fallback: string | undefined;
  let current: string | null | undefined;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === 'machine') {
      current = tokens[++at];
    } else if (token === 'default') {
      current = null;
    } else if (token === 'login' || token === 'account') {
      at += 1;
    } else if (token === 'password') {
      const password = tokens[++at];
      if (current === machine) {
        return password;
      }
      if (current === null) {
        fallback ??= password;
      }
    }
  }
  return fallback;
}

/** Splits the file into words, quoted ones whole, without comments and macros. */
function tokensOf(netrc: string): string[] {
  const text = `${netrc}\n\n`.replace(/^[ \t]*macdef\b[\s\S]*?\n[ \t]*\n/gm, '\n');
  return Array.from(text.matchAll(/#.*|"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g), ([, double, single, bare]) =>
    double === undefined ? (single ?? bare) : double.replace(/\\(.)/g, '$1'),
  ).filter((token) => token !== undefined);
}

/** The key for this machine from `path`, by default `~/.netrc` or `~/_netrc`; undefined if there is none. */
export function keyFromNetrc(path: string | undefined, machine: string): string | undefined {
  for (const file of path === undefined ? ['~/.netrc', '~/_netrc'] : [path]) {
    try {
      return passwordIn(readFileSync(expandHome(file, 'netrc'), 'utf8'), machine);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') {
        return undefined;
      }
    }
  }
  return undefined;
}
