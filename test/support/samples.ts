import { readFileSync } from 'node:fs';

export interface Sample {
  /** The name of the file. A block that begins with `// name.ts` is that file, and other blocks of its document can import it. */
  readonly file: string;
  readonly code: string;
  /** What the sample prints, if the document says so. */
  readonly output: string | undefined;
}

/** The TypeScript blocks of a document. A `text` block directly after one is its output. */
export function samplesOf(document: string): Sample[] {
  const text = readFileSync(document, 'utf8');
  return [...text.matchAll(/```ts\n(?:\/\/ (\S+\.ts)\n)?(.*?)```\n(?:\n```text\n(.*?)```)?/gs)].map(
    ([, file = 'sample.ts', code = '', output]) => ({ file, code, output }),
  );
}
