import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import forge from 'node-forge';

/** The paths of a certificate and its key, PEM. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority for certificates that are valid for an hour; its files are in a folder of its own. */
export interface TestAuthority {
  readonly directory: string;
  readonly caFile: string;
  /** A certificate for these host names and addresses, for servers and clients. */
  issue(names: readonly string[]): Promise<CertificateFiles>;
  /** Removes the files. */
  remove(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** Alternative names of a certificate, by their number in X.509. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** Makes an authority, and the keys, in this process: a machine need not have OpenSSL's program. */
export async function createAuthority(commonName = 'Test authority'): Promise<TestAuthority> {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-certificates-'));
  const authority = createKeys();
  const issuer = [{ name: 'commonName', value: commonName }];
  const own = prepareCertificate(authority.publicKey, { subject: issuer, issuer }, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  own.sign(authority.privateKey, forge.md.sha256.create());
  const caFile = join(directory, 'ca.pem');
  await writeFile(caFile, forge.pki.certificateToPem(own));
  let issued = 0;
  return {
    directory,
    caFile,
    async issue(names) {
      const keys = createKeys();
      const altNames = names.map((name) =>
        isIP(name) === 0 ? { type: DNS_NAME, value: name } : { type: IP_ADDRESS, ip: name },
      );
      const subject = [{ name: 'commonName', value: names[0] ?? 'nobody' }];
      const certificate = prepareCertificate(keys.publicKey, { subject, issuer }, [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        { name: 'subjectAltName', altNames },
      ]);
      certificate.sign(authority.privateKey, forge.md.sha256.create());
      const at = ++issued;
      const files = {
        certFile: join(directory, `certificate-${at}.pem`),
        keyFile: join(directory, `key-${at}.pem`),
      };
      await writeFile(files.certFile, forge.pki.certificateToPem(certificate));
      await writeFile(files.keyFile, forge.pki.privateKeyToPem(keys.privateKey), { mode: 0o600 });
      return files;
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Node.js makes the keys: it is many times faster. */
function createKeys(): {
  readonly publicKey: forge.pki.rsa.PublicKey;
  readonly privateKey: forge.pki.rsa.PrivateKey;
} {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    publicKey: forge.pki.publicKeyFromPem(publicKey),
    privateKey: forge.pki.privateKeyFromPem(privateKey),
  };
}

function prepareCertificate(
  publicKey: forge.pki.rsa.PublicKey,
  { subject, issuer }: { subject: forge.pki.CertificateField[]; issuer: forge.pki.CertificateField[] },
  extensions: object[],
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = createSerialNumber();
  certificate.validity.notBefore = new Date(Date.now() - HOUR_MS);
  certificate.validity.notAfter = new Date(Date.now() + HOUR_MS);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer);
  certificate.setExtensions(extensions);
  return certificate;
}

/** A positive number of eight bytes, as DER writes it: OpenSSL refuses one that begins with a byte of zeros that it does not need. */
function createSerialNumber(): string {
  const bytes = randomBytes(8);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}
