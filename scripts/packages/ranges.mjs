// Which versions of each other our packages ask for. What `workspace:^` becomes, such as ^0.1.0, ends before the next minor: a
// later patch of a package would ask for versions that its users do not have, and npm would refuse the set. So before 1.0 a
// published range extends to 1.0. It begins with the version current when the package got its own minor: that minor may use
// whatever was new then, patches may not. Only published manifests say so: `changeset version` would raise the range with every
// patch, and the lockfile would have to follow.
import { basename } from 'node:path';
import { run } from './run.mjs';

/** The published dependencies and peers of a package. `cwd` is in the repository, which has the tags of earlier releases. */
export async function publishedRanges({ name, version, dependencies, peerDependencies }, packages, cwd) {
  const ownMinor = `${name}@${version.replace(/\d+$/, '*')}`;
  const tags = await run('git', ['tag', '--list', ownMinor, '--sort=version:refname'], { cwd });
  const [sinceMinor] = tags.split('\n');

  const ranges = async (group) => {
    const published = { ...group };
    for (const other of packages.filter((one) => one.name in published && one.version.startsWith('0.'))) {
      published[other.name] = `>=${await versionAt(sinceMinor, other, cwd)} <1`;
    }
    return published;
  };
  return {
    ...(dependencies && { dependencies: await ranges(dependencies) }),
    ...(peerDependencies && { peerDependencies: await ranges(peerDependencies) }),
  };
}

/** The version of a package at a tag; its present version if there is no tag, or if the package did not exist then. */
async function versionAt(tag, { folder, version }, cwd) {
  const file = `packages/${basename(folder)}/package.json`;
  if (!tag || (await run('git', ['ls-tree', tag, file], { cwd })) === '') {
    return version;
  }
  return JSON.parse(await run('git', ['show', `${tag}:${file}`], { cwd })).version;
}
