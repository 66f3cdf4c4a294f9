import { findFreePort } from '@streamfold/private-servers';
import type { CertificateFiles, TestAuthority } from './certificates.ts';
import { startRedis, type TestRedis } from './start-redis.ts';

/** A Redis that speaks TLS on a second port. */
export interface TlsRedis extends TestRedis {
  readonly tlsPort: number;
}

export interface TlsRedisOptions {
  readonly authority: TestAuthority;
  readonly certificate: CertificateFiles;
  /** Whether clients must have a certificate of the authority. */
  readonly clientCertificates?: 'yes' | 'no';
  readonly extraArgs?: readonly string[];
}

export async function startTlsRedis(options: TlsRedisOptions): Promise<TlsRedis> {
  const { authority, certificate, clientCertificates = 'no', extraArgs = [] } = options;
  const tlsPort = await findFreePort();
  // prettier-ignore
  const server = await startRedis({
    extraArgs: [
      '--tls-port', String(tlsPort), '--tls-ca-cert-file', authority.caFile, '--tls-cert-file', certificate.certFile,
      '--tls-key-file', certificate.keyFile, '--tls-auth-clients', clientCertificates, ...extraArgs,
    ],
  });
  return {
    ...server,
    get pid() {
      return server.pid;
    },
    tlsPort,
  };
}
