import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('./fixtures/record-until-killed.ts', import.meta.url));
const kills = process.env['RELIABILITY'] === 'full' ? 100 : 8;
const lanes = 2;
const maxLifeMs = 60;

/** Runs the program, kills it at a random moment after its first acknowledgement, and returns the last one. */
async function acknowledgedBeforeKill(path: string, runId: string): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=@toolweaver/source', program, path, runId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      resolve();
    });
    child.once('close', () => reject(new Error('it ended by itself')));
  });
  await setTimeout(Math.random() * maxLifeMs);
  child.kill('SIGKILL');
  await ended;
  // A line that was cut off acknowledges nothing.
  return Number(output.split('\n').at(-2));
}

test(`kill -9 at random, ${kills} times: no acknowledged event is lost, and the file always opens`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kill-'));
  try {
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        const path = join(folder, `${lane}.db`);
        for (let round = 0; round < kills / lanes; round += 1) {
          const runId = `round-${round}`;
          const acknowledged = await acknowledgedBeforeKill(path, runId);
          expect(acknowledged).toBeGreaterThan(0);
          const db = new Database(path, { readonly: true, fileMustExist: true });
          const stored = db
            .prepare(`SELECT count(*) AS count, max(attributes ->> 'number') AS last FROM executions WHERE run_id = ?`)
            .get(runId) as { count: number; last: number };
          expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
          db.close();
          // Batches are committed whole and in order: what is there has no gaps, and reaches at least what was acknowledged.
          expect(stored.count).toBe(stored.last);
          expect(stored.last).toBeGreaterThanOrEqual(acknowledged);
        }
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 180_000);
