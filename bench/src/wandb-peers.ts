import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const python = process.env['WANDB_PYTHON'] ?? join(root, '.cache', 'wandb-python', 'bin', 'python');
const sdk = join(root, '.cache', 'wandb-sdk', 'node_modules', '@wandb', 'sdk');

export const pythonHint = 'the Python client is not there; node scripts/wandb-peer.mjs installs it';
export const sdkHint =
  '@wandb/sdk is not there; npm install --prefix .cache/wandb-sdk --legacy-peer-deps @wandb/sdk@0.5.1 graphql@16 installs it';

/** How many seconds each of the other clients takes for `rows` rows; undefined if it is not installed. */
export interface WandbPeers {
  python(rows: number, folder: string): Promise<number | undefined>;
  sdk(rows: number, folder: string, url: string): Promise<number | undefined>;
}

const script = `
import sys, time, wandb
rows, folder = int(sys.argv[1]), sys.argv[2]
settings = wandb.Settings(console="off", disable_git=True, save_code=False, x_disable_stats=True, x_disable_meta=True, x_save_requirements=False)
run = wandb.init(project="bench", mode="offline", dir=folder, settings=settings)
started = time.perf_counter()
for row in range(rows):
    run.log({"loss": row / 7, "accuracy": 1 - 1 / (row + 1), "epoch": row // 1000})
run.finish()
print("seconds", time.perf_counter() - started)
`;

const program = `
const [rows, path] = [Number(process.argv[1]), process.argv[2]];
const { default: wandb } = await import(path);
await wandb.init({ project: 'bench' });
const started = performance.now();
for (let row = 0; row < rows; row += 1) {
  wandb.log({ loss: row / 7, accuracy: 1 - 1 / (row + 1), epoch: Math.floor(row / 1000) });
}
await wandb.finish();
console.log('seconds', (performance.now() - started) / 1000);
process.exit();
`;

export const wandbPeers: WandbPeers = {
  async python(rows, folder) {
    if (!existsSync(python)) {
      return undefined;
    }
    const env = { ...process.env, HOME: folder, WANDB_ERROR_REPORTING: 'false', WANDB_SILENT: 'true' };
    const { stdout } = await run(python, ['-c', script, String(rows), folder], { env, cwd: folder });
    return secondsIn(stdout);
  },
  async sdk(rows, folder, url) {
    if (!existsSync(sdk)) {
      return undefined;
    }
    const env = { ...process.env, HOME: folder, WANDB_BASE_URL: url, WANDB_API_KEY: 'a'.repeat(40) };
    const main = join(sdk, 'index.js');
    const args = ['--input-type=module', '-e', program, String(rows), main];
    const { stdout } = await run(process.execPath, args, { env, cwd: folder, timeout: 120_000 });
    return secondsIn(stdout);
  },
};

function secondsIn(text: string): number {
  const seconds = Number(/seconds ([\d.]+)/.exec(text)?.[1]);
  if (!(seconds > 0)) {
    throw new Error(`another client did not say how long it took: ${text.slice(-500)}`);
  }
  return seconds;
}
