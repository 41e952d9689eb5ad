#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { runCommand } from './command.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that stops early, as `head` does, is no error.
  if (error.code !== 'EPIPE') {
    process.stderr.write(`cannot write the output: ${error.message}\n`);
    process.exitCode = 1;
  }
});
const manifest: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
process.exitCode = runCommand(process.argv.slice(2), process.cwd(), manifest.version, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
