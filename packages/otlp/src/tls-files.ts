import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { createOptionChecks, describeValue, type OptionChecks } from '@toolweaver/analytics-core/backend';
import type { Connection } from './http.ts';
import type { TlsFiles } from './options.ts';

/**
 * Reads the certificates and the key; a problem for each that cannot be read or is none. Files that have changed are read anew for
 * the next connection, because certificates are renewed; while they cannot be read, as half of them are renewed, all stays as it was.
 */
export function tlsOf(check: OptionChecks, tls: TlsFiles | undefined): Connection['tls'] {
  let latest = read(check, tls);
  let stamp = stampOf(tls);
  return () => {
    const now = stampOf(tls);
    if (now === stamp) {
      return latest;
    }
    stamp = now;
    let isRead = true;
    const found = read(
      createOptionChecks(() => {
        isRead = false;
      }),
      tls,
    );
    latest = isRead ? found : latest;
    return latest;
  };
}

/** Changes with the files. Reading from a pipe would block, so only regular files count. */
function stampOf(tls: TlsFiles = {}): string {
  return Object.values(Object(tls)).map(stampOfFile).join();
}

function stampOfFile(path: unknown): string {
  try {
    const stats = statSync(String(path));
    return stats.isFile() ? `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs}` : '';
  } catch {
    // Not there, or nothing to be looked at: reading it says why.
    return '';
  }
}

function read(check: OptionChecks, tls: TlsFiles = {}): SecureContextOptions {
  const pemOf = (field: keyof TlsFiles, tryOut: (pem: Buffer) => unknown): Buffer | undefined => {
    const path = Object(tls)[field];
    if (path === undefined) {
      return undefined;
    }
    try {
      // As a string: `readFileSync` takes a number for an open file, and reading that may block for ever.
      const pem = readFileSync(String(path));
      tryOut(pem);
      return pem;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return check.problem(`tls.${field}`, `must be the path of a PEM file, got ${describeValue(path)}: ${code}`);
    }
  };
  // Otherwise each push would fail anew, and an invalid CA would not even be reported.
  const asCertificate = (pem: Buffer): unknown => new X509Certificate(pem);
  const ca = pemOf('caFile', asCertificate);
  const cert = pemOf('certFile', asCertificate);
  const key = pemOf('keyFile', (pem) => createSecureContext({ cert, key: pem }));
  return { ca, cert, key };
}
