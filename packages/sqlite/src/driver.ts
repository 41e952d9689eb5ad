import { AnalyticsError } from '@toolweaver/analytics-core';
import { ownVersion } from '@toolweaver/analytics-core/backend';
import type { Connect } from './database.ts';
import { failure, messageOf, systemCode } from './failure.ts';

/** better-sqlite3 is built for Node-API 10 and crashes the process on older versions. */
const minNodeApi = 10;

/** @throws AnalyticsError `UNSUPPORTED` in a bundle, and on a Node that better-sqlite3 cannot run on (the packages require newer). */
export function checkRuntime(backend?: string): void {
  ownVersion('@toolweaver/analytics-sqlite', import.meta.url, backend);
  if (Number(process.versions['napi']) < minNodeApi) {
    throw new AnalyticsError(
      'UNSUPPORTED',
      `better-sqlite3 needs Node 22.18 or later, this is ${process.versions.node}`,
      { backend },
    );
  }
}

/** @throws what `failure` makes: `UNSUPPORTED`; errors of the system, which may pass. */
export async function loadDriver(): Promise<Connect> {
  try {
    return (await import('better-sqlite3')).default;
  } catch (error) {
    if (systemCode(error) !== '') {
      throw error;
    }
    throw failure(
      'UNSUPPORTED',
      `better-sqlite3 could not be loaded on ${process.platform}-${process.arch}: ${messageOf(error)}`,
      error,
    );
  }
}
