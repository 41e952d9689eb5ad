// Fails when pnpm-lock.yaml lacks a tool's binary for a platform that contributors use. If a registry does not hold an
// optional package (yet), pnpm silently leaves it out, and a frozen install on that platform then lacks the tool.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64'];
const systems = { linux: 'linux', darwin: 'darwin', win32: 'win32', windows: 'win32' };
const processors = { x64: 'x64', 64: 'x64', arm64: 'arm64' };

const lockfile = readFileSync(join(import.meta.dirname, '..', 'pnpm-lock.yaml'), 'utf8');
const section = lockfile.split(/^(?=\w+:)/m).find((part) => part.startsWith('packages:')) ?? '';
const names = Array.from(section.matchAll(/^ {2}'?(@?[^@'\s]+)@.*:$/gm), ([, name]) => name);

/** Maps a tool to the platforms that its binary packages cover, e.g. `@turbo/` → linux-x64, … */
const tools = new Map();
for (const name of names) {
  const match = /^(.+[-./])(linux|darwin|win32|windows)-(x64|64|arm64)\b/.exec(name);
  if (match) {
    const [, tool, system, processor] = match;
    tools.set(tool, (tools.get(tool) ?? new Set()).add(`${systems[system]}-${processors[processor]}`));
  }
}
if (tools.size === 0) {
  console.error('pnpm-lock.yaml: no platform packages found; has its format changed?');
  process.exitCode = 1;
}
for (const [tool, covered] of tools) {
  const missing = platforms.filter((platform) => !covered.has(platform));
  if (missing.length > 0) {
    console.error(`pnpm-lock.yaml: ${tool}* has no ${missing.join(', ')}; pin a version that the registry holds whole`);
    process.exitCode = 1;
  }
}
if (!process.exitCode) {
  console.log(`${tools.size} tools with binaries, each for ${platforms.join(', ')}`);
}
