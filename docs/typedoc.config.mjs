// The API reference, out of the doc comments: a page for each package, in docs/api. TypeDoc needs the TypeScript compiler written in
// JavaScript, so this folder has one of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Converter, ReflectionKind } from 'typedoc';

const core = '@toolweaver/analytics-core';
const packages = join(import.meta.dirname, '..', 'packages');

/** Core first: what others export again is explained there. */
const folders = ['core', ...readdirSync(packages).filter((folder) => folder !== 'core')];

const manifests = folders.map((folder) => ({
  folder,
  ...JSON.parse(readFileSync(join(packages, folder, 'package.json'), 'utf8')),
}));

/** Source file → the name under which it is imported. */
const entries = new Map(
  manifests.flatMap(({ folder, name, exports }) =>
    Object.entries(exports).flatMap(([path, target]) =>
      target['@toolweaver/source'] === undefined
        ? []
        : [[join(packages, folder, target['@toolweaver/source']), name + path.slice(1)]],
    ),
  ),
);

/** Modules are called as they are imported, not after their files. */
function nameModules(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      module.name = entries.get(project.getSymbolIdFromReflection(module)?.fileName) ?? module.name;
    }
  });
}

/** A type without a comment gets that of the type it extends, which says something else, and then counts as documented. */
function refuseInheritedComments(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const type of project.getReflectionsByKind(ReflectionKind.ClassOrInterface)) {
      if (!type.hasComment()) {
        const { packageName, packagePath } = project.getSymbolIdFromReflection(type);
        app.logger.warn(`${type.getFriendlyFullName()} has no comment of its own (${packageName}/${packagePath})`);
      }
    }
  });
}

export default {
  name: 'Toolweaver Analytics',
  tsconfig: 'tsconfig.json',
  entryPoints: [...entries.keys()].map((file) => relative(import.meta.dirname, file)),
  plugin: [nameModules, refuseInheritedComments],
  readme: 'none',
  out: 'api',
  disableGit: true,
  disableSources: true,
  excludeInternal: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  packagesRequiringDocumentation: manifests.map(({ name }) => name),
  intentionallyNotDocumented: [
    `${core}.Analytics.wrapTool.F`,
    `${core}.Clock.setTimeout.__type.unref`,
    `${core}.DescribeCall.F`,
    `${core}.TraceCarrier.__type.get`,
    '@toolweaver/analytics-testkit.FakeClock.setTimeout.__type.unref',
  ],
  requiredToBeDocumented: ['Function', 'Interface', 'TypeAlias', 'Class', 'Variable'],
  treatWarningsAsErrors: true,
  // Types are checked with the compiler that builds the packages.
  skipErrorChecking: true,
};
