import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documents, read, root } from './support/documents.ts';

const withoutCode = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '');

/** The anchors that headings get. */
function anchorsOf(text: string): string[] {
  return Array.from(withoutCode(text).matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What is wrong with a link in a document. */
function problemOf(link: string, document: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(root, document) : resolve(root, dirname(document), path);
  if (!existsSync(target)) {
    return `${link}: there is no ${relative(root, target)}`;
  }
  const page = statSync(target).isDirectory() ? join(target, 'README.md') : target;
  if (anchor === undefined || !page.endsWith('.md')) {
    return undefined;
  }
  return anchorsOf(readFileSync(page, 'utf8')).includes(anchor) ? undefined : `${link}: there is no such heading`;
}

test.each(documents)('%s links to what is there', (document) => {
  const links = Array.from(
    withoutCode(read(document)).matchAll(/\]\((?!https?:)([^)\s]+)\)/g),
    ([, link = '']) => link,
  );
  expect(links.flatMap((link) => problemOf(link, document) ?? [])).toEqual([]);
});

test('a link to nothing is found out', () => {
  expect(problemOf('docs/nothing.md', 'README.md')).toContain('there is no docs');
  expect(problemOf('#nothing', 'README.md')).toContain('no such heading');
  expect(problemOf('README.md#use-it', 'README.md')).toBeUndefined();
});

describe('ARCHITECTURE.md', () => {
  const page = read('ARCHITECTURE.md');
  const packages = readdirSync(join(root, 'packages'));

  test('says which package stands on which', () => {
    const [, section = ''] = page.split('| package | stands on |');
    const [table = ''] = section.split('\n\n');
    const said = Array.from(table.matchAll(/^\| `(.*?)` \| (.*?) \|/gm), ([, name, on = '']) => [
      name,
      Array.from(on.matchAll(/`(.*?)`/g), ([, other]) => other).sort(),
    ]);
    const is = packages.map((name) => {
      const { dependencies, peerDependencies } = JSON.parse(read(`packages/${name}/package.json`));
      const all = Object.keys({ ...dependencies, ...peerDependencies });
      const ours = all.filter((other) => other.startsWith('@toolweaver/analytics-'));
      return [name, ours.map((other) => other.replace('@toolweaver/analytics-', '')).sort()];
    });
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries(is));
  });

  test('names only files that are there, and one for each step of an event', () => {
    const sources = packages.flatMap((name) =>
      readdirSync(join(root, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' }).map(
        (file) => `packages/${name}/src/${file}`,
      ),
    );
    const named = Array.from(page.matchAll(/`([\w/-]+\.ts|[\w-]+\/)`/g), ([, name = '']) => name);
    expect(named.length).toBeGreaterThan(50);
    const [, way = ''] = page.split('| step | what happens | file |\n| --- | --- | --- |\n');
    const steps = (way.split('\n\n')[0] ?? '').split('\n');
    expect(steps.filter((step) => !/`[\w/-]+\.ts` \|$/.test(step))).toEqual([]);
    const short = (file: string): string => file.replace('packages/', '').replace('/src/', '/');
    const isThere = (name: string): boolean =>
      sources.some((file) => `/${file}/`.includes(`/${name.replace(/\/$/, '')}/`) || short(file) === name);
    expect(named.filter((name) => !isThere(name))).toEqual([]);
  });
});
