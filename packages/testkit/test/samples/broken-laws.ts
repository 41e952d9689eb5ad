import { test } from 'node:test';
import { testBackend } from '@toolweaver/analytics-testkit';
import { mutants } from '../mutants/index.ts';

const [mutant] = Object.values(mutants['an agent, a search and an operation of one name are told apart'] ?? {});

// Has to fail: the runner must see what the laws find.
testBackend({
  test,
  create: () => (mutant as NonNullable<typeof mutant>)(),
  skip: [{ law: 'ratings arrive', reason: 'this law holds, so the skip is wrong' }],
});
