// Writes into the manifests of all packages what only published ones need: the versions of each other that they ask for, and
// the address of their source. npm accepts provenance only if that is the repository that publishes, which GitHub Actions
// knows and this repository does not.
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readPackages } from './pack.mjs';
import { publishedRanges } from './ranges.mjs';

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
if (!server || !name) {
  throw new Error('GITHUB_SERVER_URL and GITHUB_REPOSITORY are not set: packages are published by GitHub Actions');
}
const address = `${server}/${name}`;
const packages = await readPackages(process.cwd());
for (const { folder, ...manifest } of packages) {
  const directory = `packages/${basename(folder)}`;
  const ranges = await publishedRanges(manifest, packages, process.cwd());
  const source = {
    homepage: `${address}/tree/main/${directory}#readme`,
    bugs: `${address}/issues`,
    repository: { type: 'git', url: `git+${address}.git`, directory },
  };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ ...manifest, ...ranges, ...source }, null, 2)}\n`);
}
