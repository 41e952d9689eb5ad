import type { Connect } from './database.ts';
import { failure, messageOf, systemCode } from './failure.ts';

/** better-sqlite3 is built for Node-API 10 and crashes the process on older versions. */
const minNodeApi = 10;

/** Why better-sqlite3 cannot run on this Node, which may be older than the packages require; undefined if it can. */
export function unsupportedNode(): string | undefined {
  return Number(process.versions['napi']) < minNodeApi
    ? `better-sqlite3 needs Node 22.18 or later, this is ${process.versions.node}`
    : undefined;
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
