import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { createOptionChecks, describeValue, type OptionChecks } from '@toolweaver/analytics-core/backend';
import type { Connection } from './http.ts';
import type { TlsFiles } from './options.ts';

/**
 * Reads the certificates and the key; a problem for each that cannot be read or is none. They are read anew for each connection,
 * because certificates are renewed; what cannot be read then, as half of the files are renewed, stays as it was.
 */
export function tlsOf(check: OptionChecks, tls: TlsFiles | undefined): Connection['tls'] {
  let latest = read(check, tls);
  return () => {
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
