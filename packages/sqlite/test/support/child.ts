import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Child {
  readonly process: ChildProcess;
  /** What it has printed up to now. */
  printed(): string;
  /** Resolves once it has printed this text. */
  says(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Starts a program in a process of its own, without a build. */
export function start(fixture: URL, args: readonly string[], options: SpawnOptions = {}): Child {
  return startCommand(process.execPath, [...nodeArguments(fixture), ...args], options);
}

export function nodeArguments(fixture: URL): string[] {
  return ['--conditions=@toolweaver/source', fileURLToPath(fixture)];
}

export function startCommand(command: string, args: readonly string[], options: SpawnOptions = {}): Child {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  // Also when the test has failed, or has run out of time.
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    process: child,
    printed: () => stdout,
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stdout.includes(text)) {
            resolve();
          }
        };
        child.stdout?.on('data', look);
        ended.then(() => reject(new Error(`ended without saying ${text}: ${stdout}${stderr}`)), reject);
        look();
      }),
  };
}

export async function run(fixture: URL, args: readonly string[], options?: SpawnOptions): Promise<Ended> {
  return start(fixture, args, options).ended;
}
