import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, start } from '../support/child.ts';
import { testFolder } from '../support/folder.ts';
import { factsOf, traceIn } from '../support/llm-calls.ts';
import { query, value } from '../support/rows.ts';

const program = new URL('../fixtures/import-trace.ts', import.meta.url);
const count = 'SELECT count(*) FROM executions';

test('an import that was killed on the way is completed by another one, to the row', async () => {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const trace = traceIn(folder);
  const expected = factsOf(trace);
  let before = 0;
  for (const reached of [2_500, 9_500]) {
    const child = start(program, [path, trace]);
    await child.says(`\n${reached}\n`);
    child.process.kill('SIGKILL');
    expect(await child.ended).toMatchObject({ signal: 'SIGKILL' });
    const there = Number(value(path, count));
    expect(there).toBeGreaterThanOrEqual(Math.max(reached, before));
    expect(there).toBeLessThan(expected.rows);
    before = there;
  }
  expect(await run(program, [path, trace])).toMatchObject({ code: 0, stderr: '' });
  expect(
    query(path, 'SELECT count(*) AS rows, sum(input_tokens) AS input, sum(output_tokens) AS output FROM executions'),
  ).toEqual([{ rows: expected.rows, input: expected.inputTokens, output: expected.outputTokens }]);
});
