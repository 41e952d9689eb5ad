import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';

/** How nice each thread of this process is to others: the 19th field of its `stat`, behind a name that may hold anything. */
function niceness(): number[] {
  return readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
}

test.runIf(process.platform === 'linux')(
  'the threads with the database give way to the host, which stays as it was',
  async () => {
    const nice = (): number => niceness().filter((one) => one >= 10).length;
    const [own, before] = [getPriority(), nice()];
    const backend = await open({ path: join(testFolder(), 'a.db') });
    await backend.reader.summary();
    expect(nice()).toBe(before + 2);
    expect(getPriority()).toBe(own);
  },
);
