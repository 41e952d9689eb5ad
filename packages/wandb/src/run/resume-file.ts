import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseObject } from '../json-text.ts';
import { makeFolder, wandbFolder } from '../log/run-directory.ts';
import { randomName, runIdProblem } from '../names.ts';
import type { Settings } from '../settings/settings.ts';
import { isOpen, keepOpen } from './open-runs.ts';

// Remembers the run of a process for `resume: 'auto'`, so that the next process continues it unless it ended with exit code 0.

const name = 'wandb-resume.json';

/** The first run of a process. */
export interface FirstRun {
  readonly id: string;
  /** To be called when the run has begun. */
  remember(): void;
  /** To be called when the run has ended. */
  end(exitCode: number): void;
  /** Lets another run of this process have the id. */
  release(): void;
}

/**
 * Chooses the id of the first run, and reserves it until `release`.
 * @throws AnalyticsError `INVALID_CONFIG` if a run with the given id is open in this process.
 */
export function firstRun(settings: Settings): FirstRun {
  const {
    mode,
    dir,
    description: { runId, resume },
  } = settings;
  const isAuto = resume === 'auto' && mode === 'online';
  const unfinished = isAuto ? unfinishedRun(dir) : undefined;
  const id = runId ?? (unfinished === undefined || isOpen(settings, unfinished) ? randomName(8) : unfinished);
  const release = keepOpen(settings, id);
  return {
    id,
    release,
    remember() {
      if (isAuto) {
        rememberRun(dir, id);
      }
    },
    end(exitCode) {
      // A later run may have taken its place.
      if (isAuto && exitCode === 0 && unfinishedRun(dir) === id) {
        forgetRun(dir);
      }
    },
  };
}

/** The id of the run that did not finish; undefined if there is none, or the file cannot be read. */
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
    // The run continues; only the next process will not know of it.
  }
}

function forgetRun(dir: string): void {
  try {
    rmSync(join(wandbFolder(dir), name), { force: true });
  } catch {
    // The next process will resume a run that has ended.
  }
}
