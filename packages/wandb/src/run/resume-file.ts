import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseObject } from '../json-text.ts';
import { makeFolder, wandbFolder } from '../log/run-directory.ts';
import { randomName, runIdProblem } from '../names.ts';
import type { Settings } from '../settings/settings.ts';

// Which run a process was at, so that the next one goes on with it unless it finished: what `resume: 'auto'` means.

const name = 'wandb-resume.json';

/** The run that a process begins with. */
export interface FirstRun {
  readonly id: string;
  /** It has begun. */
  remember(): void;
  /** It has finished. */
  forget(): void;
}

export function firstRun({ mode, dir, description: { runId, resume } }: Settings): FirstRun {
  const isAuto = resume === 'auto' && mode === 'online';
  const id = runId ?? (isAuto ? unfinishedRun(dir) : undefined) ?? randomName(8);
  return {
    id,
    remember() {
      if (isAuto) {
        rememberRun(dir, id);
      }
    },
    forget() {
      if (isAuto) {
        forgetRun(dir);
      }
    },
  };
}

/** The run that did not finish; undefined when there is none, or nothing that can be read. */
function unfinishedRun(dir: string): string | undefined {
  try {
    const id = parseObject(readFileSync(join(wandbFolder(dir), name), 'utf8'))['run_id'];
    return typeof id === 'string' && runIdProblem(id) === undefined ? id : undefined;
  } catch {
    return undefined;
  }
}

function rememberRun(dir: string, id: string): void {
  const folder = wandbFolder(dir);
  try {
    makeFolder(folder);
    writeFileSync(join(folder, name), JSON.stringify({ run_id: id }), { mode: 0o600 });
  } catch {
    // The run goes on; only its successor will not know of it.
  }
}

function forgetRun(dir: string): void {
  try {
    rmSync(join(wandbFolder(dir), name), { force: true });
  } catch {
    // Its successor will ask the service for a run that is over.
  }
}
