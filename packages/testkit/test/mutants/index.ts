import { adoptionMutants } from './adoption.ts';
import type { Mutants } from './altered.ts';
import { costMutants } from './costs.ts';
import { deliveryMutants } from './delivery.ts';
import { factsMutants } from './facts.ts';
import { failureMutants } from './failure.ts';
import { fieldsMutants } from './fields.ts';
import { leaderboardMutants } from './leaderboard.ts';
import { lifeMutants } from './life.ts';
import { operationMutants } from './operations.ts';
import { readerMutants } from './reader.ts';
import { reportMutants } from './reports.ts';
import { runMutants } from './runs.ts';
import { skillMutants } from './skills.ts';
import { toolkitMutants } from './toolkits.ts';

export const mutants: Mutants = {
  ...factsMutants,
  ...fieldsMutants,
  ...deliveryMutants,
  ...failureMutants,
  ...lifeMutants,
  ...readerMutants,
  ...operationMutants,
  ...costMutants,
  ...skillMutants,
  ...leaderboardMutants,
  ...adoptionMutants,
  ...reportMutants,
  ...runMutants,
  ...toolkitMutants,
};
