#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { runCommand } from './command.ts';

// A reader that has seen enough, as `head` has, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    throw error;
  }
});
const manifest: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
process.exitCode = runCommand(process.argv.slice(2), process.cwd(), manifest.version, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
