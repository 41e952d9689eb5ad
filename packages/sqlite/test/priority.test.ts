import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';

/** The threads of this process that give way to others: the 19th field of `stat`, behind a name that may hold anything. */
function niceThreads(): string[] {
  return readdirSync('/proc/self/task').filter((thread) => {
    try {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]) >= 10;
    } catch {
      // It has just ended.
      return false;
    }
  });
}

test.runIf(process.platform === 'linux')(
  'the threads with the database give way to the host, which stays as it was',
  async () => {
    const own = getPriority();
    // Threads of tests before this one may be about to end.
    const before = niceThreads();
    const backend = await open({ path: join(testFolder(), 'a.db') });
    await backend.reader.summary();
    expect(niceThreads().filter((thread) => !before.includes(thread))).toHaveLength(2);
    expect(getPriority()).toBe(own);
  },
);
