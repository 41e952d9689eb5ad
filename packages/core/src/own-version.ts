import { createRequire } from 'node:module';
import { AnalyticsError } from './errors.ts';

/**
 * Returns the version of the package `name`, which cannot be bundled; `unknown` where the system lacks the means to read it.
 * `url`: of a file right in its `src` or `dist`.
 * @throws AnalyticsError `UNSUPPORTED` in a bundle, which lacks the files that the package starts as threads.
 */
export function ownVersion(name: string, url: string, backend?: string): string {
  try {
    const own = createRequire(url)('../package.json');
    // The program of a bundle may have a manifest there, too, and a `worker.js` of its own.
    if (own.name === name) {
      return own.version;
    }
  } catch (error) {
    // There is no manifest, or in a bundle for CommonJS no `url`; or the system cannot read it now, which says nothing.
    if ((error as NodeJS.ErrnoException).errno !== undefined) {
      return 'unknown';
    }
  }
  throw new AnalyticsError(
    'UNSUPPORTED',
    `${name} cannot be part of a bundle: make @toolweaver/* and better-sqlite3 external, in esbuild by --packages=external; ` +
      'see Limits in the README of @toolweaver/analytics',
    { backend },
  );
}
