import type { TlsSettings } from './tls-settings.ts';

/** What a failed handshake means: what arrived, and what to do. */
export interface TlsFailure {
  readonly got: string;
  readonly advice: string;
}

/** A server that is asked in TLS. */
export interface TlsPeer {
  readonly tls: TlsSettings;
  /** Of the parameters that set its TLS: `sentinel_` for Sentinels. */
  readonly prefix: '' | 'sentinel_';
}

/** Codes of OpenSSL for a certificate whose chain does not end at an authority that is trusted. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);

/**
 * Explains an error of TLS; undefined if it is another one.
 *
 * @param code of the error.
 */
export function explainTlsError(
  error: Error,
  code: string,
  { tls: { caFile, certFile }, prefix }: TlsPeer,
): TlsFailure | undefined {
  const caParameter = caFile?.parameter ?? `${prefix}tls_ca_file`;
  if (UNKNOWN_AUTHORITY.has(code)) {
    const trusted = caFile === undefined ? 'the authorities that Node.js trusts' : show(caFile);
    return {
      got: `a certificate that none of ${trusted} signed (${error.message})`,
      advice: `name a file with the certificate of its authority in ${caParameter}`,
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      got: describeWrongName(error),
      advice: `use a host name that the certificate holds, or give one of its names in ${prefix}tls_server_name`,
    };
  }
  const alert = /^ERR_SSL_(?:TLSV1|TLSV13|SSLV3)_ALERT_([A-Z_]+)$/.exec(code)?.[1];
  if (alert === undefined) return undefined;
  const refusal = alert.toLowerCase().replaceAll('_', ' ');
  const give = `name one that the server trusts in ${prefix}tls_cert_file, and its key in ${prefix}tls_key_file`;
  if (alert === 'CERTIFICATE_REQUIRED' || (alert === 'HANDSHAKE_FAILURE' && certFile === undefined)) {
    return { got: `the refusal "${refusal}": the server wants a client certificate`, advice: give };
  }
  if (/CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED/.test(alert) && certFile !== undefined) {
    return {
      got: `the refusal "${refusal}" of the client certificate ${show(certFile)}`,
      advice: give,
    };
  }
  return { got: `the refusal "${refusal}"`, advice: "look for the reason in the server's log" };
}

/**
 * Explains a connection that the server closed after the handshake. From TLS 1.3 on it checks our certificate only then, and
 * its refusal may be lost.
 */
export function explainHangUp({ tls: { certFile }, prefix }: TlsPeer): TlsFailure {
  const pair = `${prefix}tls_cert_file, and its key in ${prefix}tls_key_file`;
  return {
    got: 'a connection that was closed after the TLS handshake, before Redis answered',
    advice:
      certFile === undefined
        ? `if the server wants a client certificate, name one in ${pair}; if not, look for the reason in its log`
        : `if the server does not trust the client certificate ${show(certFile)}, name another one in ${pair}; if it does, look for the reason in its log`,
  };
}

function show({ parameter, path }: { readonly parameter: string; readonly path: string }): string {
  return `${JSON.stringify(path)} (${parameter})`;
}

/** Node.js adds the name that was expected, and the certificate. */
function describeWrongName(error: Error): string {
  const host = 'host' in error ? String(error.host) : 'the expected name';
  const certificate: unknown = 'cert' in error ? error.cert : undefined;
  const names: unknown =
    typeof certificate === 'object' && certificate !== null
      ? Reflect.get(certificate, 'subjectaltname')
      : undefined;
  return typeof names === 'string'
    ? `a certificate for ${names}, not for ${host}`
    : `a certificate without a name that is ${host}`;
}
