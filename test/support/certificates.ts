import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const hasOpenssl: boolean = spawnSync('openssl', ['version']).status === 0;

export interface Certificate {
  readonly keyFile: string;
  readonly certFile: string;
}

/** Makes a self-signed certificate for these names, deleted when the test ends. `more`: options of `openssl x509`. */
export function certificates(subjectAltName: string, ...more: string[]): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  const subject = ['-subj', '/CN=receiver', '-addext', `subjectAltName=${subjectAltName}`];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file('key.pem')];
  openssl('req', ...newKey, ...subject, '-out', file('request.pem'));
  openssl(
    ...['x509', '-req', '-in', file('request.pem'), '-signkey', file('key.pem'), '-copy_extensions', 'copyall'],
    ...['-out', file('cert.pem'), ...more],
  );
  return { keyFile: file('key.pem'), certFile: file('cert.pem') };
}

export interface TlsServer {
  readonly endpoint: string;
  /** How many requests got through. */
  requests(): number;
}

/** Starts a server that accepts everything, and closes when the test ends. */
export async function tlsServer({ keyFile, certFile }: Certificate, options: ServerOptions = {}): Promise<TlsServer> {
  let requests = 0;
  const identity = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
  const server = createServer({ ...identity, ...options }, (request, response) => {
    requests += 1;
    request.resume().on('end', () => response.end());
  }).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return { endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
}
