#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { runCommand } from './command/command.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that stops early, as `head` does, is no error.
  if (error.code !== 'EPIPE') {
    process.stderr.write(`cannot write the output: ${error.message}\n`);
    process.exitCode = 1;
  }
});
const interrupted = new AbortController();
process.once('SIGINT', () => {
  process.stderr.write('waiting for the step that is under way; Ctrl-C again ends it at once\n');
  interrupted.abort(new Error('interrupted'));
});
const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
const command = runCommand(process.argv.slice(2), {
  env: process.env,
  version,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  isWatched: process.stderr.isTTY,
  signal: interrupted.signal,
});
// Not awaited here: that would make the bundler split what users import into more files.
void command.then((code) => {
  process.exitCode = code;
});
