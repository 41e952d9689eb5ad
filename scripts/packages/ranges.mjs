// Which versions of each other our packages ask for. What `workspace:^` becomes, such as ^0.1.0, ends before the next minor: a package
// repaired after that would ask for what its users do not have, and npm would refuse the set. So before 1.0 a published range goes
// on to 1.0. It begins with what there was when the package got its own minor: that may use whatever was new then, repairs may not.
// Only what is published says so: `changeset version` would raise the range with every repair, and the lockfile would have to follow.
import { basename } from 'node:path';
import { run } from './run.mjs';

/** The dependencies and peers of a package as its users get them. `cwd` is in the repository, which has the tags of earlier releases. */
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

/** The version that a package had at a tag, or has now if there is no tag, or if it was not there yet. */
async function versionAt(tag, { folder, version }, cwd) {
  const file = `packages/${basename(folder)}/package.json`;
  if (!tag || (await run('git', ['ls-tree', tag, file], { cwd })) === '') {
    return version;
  }
  return JSON.parse(await run('git', ['show', `${tag}:${file}`], { cwd })).version;
}
