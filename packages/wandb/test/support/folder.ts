import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new directory, and how to delete it. */
export function newFolder(): { path: string; dispose(): void } {
  const path = mkdtempSync(join(tmpdir(), 'analytics-wandb-'));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) };
}

/** A new directory that goes when the test is over. */
export function testFolder(): string {
  const { path, dispose } = newFolder();
  onTestFinished(dispose);
  return path;
}
