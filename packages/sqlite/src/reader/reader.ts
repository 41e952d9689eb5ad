import type { AnalyticsReader } from '@toolweaver/analytics-core';
import type { Answer, Answers, Ask, Question } from '../answers/answers.ts';
import type { Change, Changes, Keep } from '../changes/changes.ts';
import type { Thread } from '../thread.ts';
import { operationReader } from './operations.ts';
import { runReader } from './runs.ts';
import { skillReader } from './skills.ts';
import { toolkitReader } from './toolkits.ts';

/** Validates questions on the caller's side and has the thread answer them. */
export function createReader(thread: Thread, writer: Thread): AnalyticsReader {
  async function request(name: keyof Answers, question: Question): Promise<unknown> {
    const read = (evenUnfolded: boolean): Promise<unknown> =>
      thread.call({ op: 'read', name, question, evenUnfolded }, { hold: true });
    let found = (await read(false)) as Awaited<ReturnType<Answer>>;
    if (found === undefined) {
      // Only the writer can fold the log. It is not asked if nothing was written since, which is the usual case.
      await writer.call({ op: 'fold' }, { hold: true });
      found = (await read(true)) as typeof found;
    }
    return found?.answer;
  }
  function change(name: keyof Changes, change: Change): Promise<unknown> {
    return writer.call({ op: 'keep', name, change }, { hold: true });
  }
  const [ask, keep] = [request as Ask, change as Keep];
  return {
    ...skillReader(ask, keep),
    ...operationReader(ask),
    ...runReader(ask),
    ...toolkitReader(ask),
  } as AnalyticsReader;
}
