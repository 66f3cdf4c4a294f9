import { X509Certificate } from 'node:crypto';
import { createSecureContext, type ConnectionOptions } from 'node:tls';
import { readParameterFile, unusableFile, type ParameterFile } from './parameter-file.ts';
import { toError } from './to-error.ts';

/** How a server proves to us who it is, and we to it. */
export interface TlsSettings {
  /** Authorities to trust, PEM. Undefined: those that Node.js knows, and `NODE_EXTRA_CA_CERTS`. */
  readonly caFile: ParameterFile | undefined;
  /** Our certificate, followed by those between it and its authority, PEM. */
  readonly certFile: ParameterFile | undefined;
  readonly keyFile: ParameterFile | undefined;
  /** The name to ask for (SNI) and to find in the certificate. Undefined: the host of the URL, or the one announced. */
  readonly serverName: string | undefined;
}

/**
 * The options of `tls.connect`, with the files as they are now.
 *
 * @throws {ConfigurationError} if a file cannot be read, or holds no certificate or key, or the key is that of another
 *   certificate. The text shows none of their contents.
 */
export function readTlsOptions({ caFile, certFile, keyFile, serverName }: TlsSettings): ConnectionOptions {
  const ca = caFile === undefined ? undefined : readCertificates(caFile);
  const own = certFile === undefined || keyFile === undefined ? {} : readOwnCertificate(certFile, keyFile);
  return {
    ...(ca !== undefined || certFile !== undefined
      ? { secureContext: createSecureContext({ ...(ca !== undefined && { ca }), ...own }) }
      : {}),
    ...(serverName !== undefined && { servername: serverName }),
  };
}

function readOwnCertificate(
  certFile: ParameterFile,
  keyFile: ParameterFile,
): { readonly cert: string; readonly key: string } {
  const cert = readCertificates(certFile);
  const key = readParameterFile(keyFile);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const expected = `the private key, as PEM without a passphrase, of the certificate ${JSON.stringify(certFile.path)}`;
    throw unusableFile(keyFile, {
      expected,
      got: `a file that is refused: ${toError(cause).message}`,
      cause,
    });
  }
  return { cert, key };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The text of a file of certificates; each is parsed, as a broken one would only be ignored. */
function readCertificates(file: ParameterFile): string {
  const text = readParameterFile(file);
  const certificates = text.match(CERTIFICATE) ?? [];
  const expected = 'one or more certificates, as PEM,';
  if (certificates.length === 0) throw unusableFile(file, { expected, got: 'none' });
  for (const certificate of certificates) {
    try {
      void new X509Certificate(certificate);
    } catch (cause) {
      throw unusableFile(file, { expected, got: `a broken one: ${toError(cause).message}`, cause });
    }
  }
  return text;
}
