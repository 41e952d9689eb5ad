import { logNormal, names, randomSource, type SkillExecution, zipf } from './data.ts';

const spanMs = 30 * 24 * 3_600_000;
/** Just after the last execution. Like most real times, it lies within an hour and a day rather than on their edges. */
export const historyEnd: number = Date.UTC(2026, 5, 30, 13, 37, 12, 345);

const skillNames = names('skill', 200);
const userNames = names('user', 5_000);
const orgNames = names('org', 50);
const models = ['large-2', 'medium-2', 'small-2'];
const errors = [
  { type: 'TimeoutError', message: 'no answer within 30 seconds' },
  { type: 'RateLimitError', message: 'too many requests, try again later' },
  { type: 'OutputError', message: 'the answer is no JSON' },
];

/** The most used skill, with 17 % of all executions, and the 70th, with one in 400. */
export const askedSkills = { most: skillNames[0] as string, middling: skillNames[69] as string };

/**
 * `count` executions of 200 skills in the 30 days before `historyEnd`, oldest first, the same ones every time. Each of 5000
 * users belongs to one of 50 organisations. A quarter of the skills call a model and have tokens and a cost. Each skill has a
 * median latency of its own, from 40 to 440 ms. One execution in twenty fails.
 */
export function* history(count: number): Generator<SkillExecution> {
  const random = randomSource(7);
  const chooseSkill = zipf([...skillNames.keys()], 1, random);
  const chooseUser = zipf([...userNames.keys()], 0.7, random);
  for (let index = 0; index < count; index += 1) {
    const skill = chooseSkill();
    const user = chooseUser();
    const success = random() >= 0.05;
    yield {
      skillId: skillNames[skill] as string,
      userId: userNames[user],
      orgId: orgNames[user % orgNames.length],
      at: historyEnd - spanMs + Math.floor((index / count) * spanMs),
      success,
      latencyMs: logNormal(40 + ((skill * 37) % 400), random),
      error: success ? undefined : errors[Math.floor(random() * errors.length)],
      ...(skill % 4 === 1 && {
        model: models[(skill >> 2) % models.length],
        usage: { inputTokens: Math.floor(200 + random() * 4000), outputTokens: Math.floor(20 + random() * 800) },
        cost: { usd: Math.round(random() * 20_000) / 1e6 },
      }),
    };
  }
}
