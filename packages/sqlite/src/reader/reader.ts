import type { AnalyticsReader } from '@toolweaver/analytics-core';
import type { Answers, Ask, Question } from '../answers/answers.ts';
import type { Thread } from '../thread.ts';
import { operationReader } from './operations.ts';
import { skillReader } from './skills.ts';

/** Checks the questions on the caller's side, and has the thread answer them. */
export function createReader(thread: Thread, writer: Thread): AnalyticsReader {
  async function request(name: keyof Answers, question: Question): Promise<unknown> {
    // So that the roll-ups hold everything that was written before the question.
    await writer.call({ op: 'fold' }, { hold: true });
    return thread.call({ op: 'read', name, question }, { hold: true });
  }
  const ask = request as Ask;
  return { ...skillReader(ask), ...operationReader(ask) } as AnalyticsReader;
}
