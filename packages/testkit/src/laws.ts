import type { Law } from './law.ts';
import { adoptionLaws } from './laws/adoption.ts';
import { costLaws } from './laws/costs.ts';
import { deliveryLaws } from './laws/delivery.ts';
import { factLaws } from './laws/facts.ts';
import { failureLaws } from './laws/failure.ts';
import { fieldLaws } from './laws/fields.ts';
import { leaderboardLaws } from './laws/leaderboard.ts';
import { lifeLaws } from './laws/life.ts';
import { listingLaws } from './laws/listing.ts';
import { operationLaws } from './laws/operations.ts';
import { readerLaws } from './laws/reader.ts';
import { reportLaws } from './laws/reports.ts';
import { runLaws } from './laws/runs.ts';
import { skillLaws } from './laws/skills.ts';
import { toolkitLaws } from './laws/toolkits.ts';
import { versionLaws } from './laws/versions.ts';

/** All laws: what a backend promises, as far as it can be seen from outside. */
export const laws: readonly Law[] = [
  ...factLaws,
  ...fieldLaws,
  ...deliveryLaws,
  ...failureLaws,
  ...lifeLaws,
  ...readerLaws,
  ...skillLaws,
  ...leaderboardLaws,
  ...adoptionLaws,
  ...listingLaws,
  ...operationLaws,
  ...costLaws,
  ...reportLaws,
  ...runLaws,
  ...versionLaws,
  ...toolkitLaws,
];
