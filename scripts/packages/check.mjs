// Packs every public package, checks the tarballs with publint and attw, and uses them as users do: installed by npm outside
// the workspace. Expects a finished build; leaves the tarballs in artifacts/.
import { bundle } from './bundles.mjs';
import { use } from './consumer.mjs';
import { useEverything } from './everything.mjs';
import { serveByNext } from './next.mjs';
import { judge, packAll, readPackages } from './pack.mjs';
import { programs } from './programs.mjs';
import { forEach } from './run.mjs';
import { checkSizes } from './sizes.mjs';

const packages = await readPackages();
await checkSizes(packages);
const tarballs = await packAll(packages);

await forEach(
  [
    () => useEverything(tarballs, packages),
    ...programs.map((program) => () => use(tarballs, packages, program)),
    () => bundle(tarballs),
    () => serveByNext(tarballs),
    ...[...tarballs.values()].map((tarball) => () => judge(tarball)),
  ],
  (check) => check(),
);
console.log('works: all of it in the eyes of publint and attw');
