/** The exit code that the process will have, as far as it is set. */
export function processExitCode(): number {
  return Number(process.exitCode ?? 0) || 0;
}
