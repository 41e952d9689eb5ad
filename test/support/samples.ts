import { readFileSync } from 'node:fs';

export interface Sample {
  /** A block that begins with `// name.ts` is that file, which the other blocks of its document can import. */
  readonly file: string;
  readonly code: string;
  /** What the document says it prints, if it says so. */
  readonly output: string | undefined;
}

/** The TypeScript blocks of a document; a `text` block right behind one is its output. */
export function samplesOf(document: string): Sample[] {
  const text = readFileSync(document, 'utf8');
  return [...text.matchAll(/```ts\n(?:\/\/ (\S+\.ts)\n)?(.*?)```\n(?:\n```text\n(.*?)```)?/gs)].map(
    ([, file = 'sample.ts', code = '', output]) => ({ file, code, output }),
  );
}
