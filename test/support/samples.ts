import { readFileSync } from 'node:fs';

export interface Sample {
  readonly code: string;
  /** What the README says it prints, if it says so. */
  readonly output: string | undefined;
}

/** The TypeScript blocks of a README; a `text` block right behind one is its output. */
export function samplesOf(readme: string): Sample[] {
  const text = readFileSync(readme, 'utf8');
  return [...text.matchAll(/```ts\n(.*?)```\n(?:\n```text\n(.*?)```)?/gs)].map(([, code = '', output]) => ({
    code,
    output,
  }));
}
