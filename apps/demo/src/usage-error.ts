import { isAnalyticsError } from '@toolweaver/analytics';

/** Reports what is wrong with the options, the settings or the file of a command. Returns the exit code. */
export function usageError(error: unknown, command: string): number {
  const { code, path, message } = error as NodeJS.ErrnoException;
  const missing = code === 'ENOENT';
  console.error(missing ? `There is no such file: ${path}` : message);
  if (!missing && !isAnalyticsError(error)) {
    console.error(`Try: ${command} -- --help`);
  }
  return 2;
}
