import { isReplyError, replyCode } from './reply-error.ts';
import { explainHangUp, explainTlsError, type TlsFailure } from './tls-error.ts';
import type { TlsSettings } from './tls-settings.ts';

/**
 * What failed:
 * - `unreachable`: no connection could be opened;
 * - `not_connected`: there was no connection to send the command on. It was not sent;
 * - `no_reply`: the command was sent and no reply came in time. It may have been done;
 * - `lost`: the connection broke before the reply came. The command may have been done;
 * - `misdirected`: the server replied that it is not, or no longer, the primary. A new connection is opened.
 */
export const CONNECTION_FAILURES = [
  'unreachable',
  'not_connected',
  'no_reply',
  'lost',
  'misdirected',
] as const;

export type ConnectionFailure = (typeof CONNECTION_FAILURES)[number];

/** The connection to Redis failed. The text says what was expected, at which address, and what arrived instead. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly reason: ConnectionFailure;
  /** The text without the name of Redis, to stand after a text that names it. */
  readonly detail: string;

  constructor(reason: ConnectionFailure, text: string, cause?: unknown) {
    super(`Redis: ${text}`, cause === undefined ? {} : { cause });
    this.reason = reason;
    this.detail = text;
  }
}

/** The server that a connection leads to, for error texts. */
export interface Peer {
  readonly address: string;
  /** Undefined without TLS. */
  readonly tls: TlsSettings | undefined;
  /** Before the names of the URL's parameters that are about it. */
  readonly prefix: '' | 'sentinel_';
  /** True once the server has been found to speak TLS, in this attempt to connect. */
  readonly spokeTls?: boolean;
}

/** What to do about errors whose text alone does not say it, by their code. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'start Redis there, or correct the address',
  ENOENT: 'start Redis with this unixsocket, or correct the path',
  EACCES: 'let this user write to the socket: unixsocketperm of Redis, and the permissions of its folder',
  ENOTFOUND: 'correct the host name',
  EAI_AGAIN: 'check the DNS server',
  ETIMEDOUT: 'check the address and the firewalls on the way',
  EHOSTUNREACH: 'check the address and the network',
  ENETUNREACH: 'check the address and the network',
  CERT_HAS_EXPIRED: 'renew the certificate of the server',
};

/** The error of an attempt to connect to `peer`, with the inner cause and, if known, what to do about it. */
export function unreachable(peer: Peer, error: Error): ConnectionError {
  const { address } = peer;
  if (error instanceof ConnectionError) {
    if (error.reason === 'unreachable') return error;
    // A command of the greeting.
    const { got, advice } =
      error.reason === 'no_reply'
        ? { got: 'a connection on which no reply came in time', advice: undefined }
        : peer.tls === undefined
          ? { got: 'a connection that was closed before Redis answered', advice: adviseTls(peer) }
          : explainHangUp({ tls: peer.tls, prefix: peer.prefix });
    return new ConnectionError(
      'unreachable',
      `expected an answer at ${address}; got ${got}${advice === undefined ? '' : `: ${advice}`}`,
      error,
    );
  }
  const { got, advice } = explainTls(error, peer) ?? {
    got: describeAt(address, error),
    advice: adviseOn(error, peer),
  };
  return new ConnectionError(
    'unreachable',
    `expected an answer at ${address}; got ${got}${advice === undefined ? '' : `: ${advice}`}`,
    error,
  );
}

/** The error of a command that could not be sent; `last` is that of the last attempt to connect. */
export function notConnected(address: string, command: string, last: Error | undefined): ConnectionError {
  const why = last instanceof ConnectionError ? `: ${last.detail}` : ` to ${address}`;
  return new ConnectionError(
    'not_connected',
    `${command} was not sent, because there is no connection${why}`,
    last,
  );
}

/** The error of a command to which no reply came within `ms`. */
export function noReply(address: string, command: string, ms: number): ConnectionError {
  return new ConnectionError(
    'no_reply',
    `expected a reply to ${command} from ${address} within ${ms} ms; none came. It may have been done. A new connection is opened`,
  );
}

/** Why a connection is given up to a server that replied that it is not the one to ask. */
export function misdirected(address: string, reply: Error): ConnectionError {
  return new ConnectionError(
    'misdirected',
    `expected the primary at ${address}; got ${reply.message}. A new connection is opened`,
    reply,
  );
}

/** The error of a connection that worked. */
export function broken(address: string, cause: Error): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  return new ConnectionError('lost', `the connection to ${address} broke: ${describe(cause)}`, cause);
}

/** The error of a command whose connection broke. */
export function lost(address: string, command: string, cause: Error | undefined): ConnectionError {
  const why = cause === undefined ? '' : `: ${describe(cause)}`;
  return new ConnectionError(
    'lost',
    `expected a reply to ${command} from ${address}; the connection was lost${why}. It may have been done`,
    cause,
  );
}

/** The same without the address, if the error is about `address` itself. */
function describeAt(address: string, error: Error): string {
  const text = describe(error).replace(/\.$/, '');
  const [, code, at] = /^connect (E[A-Z]+) (\S+)$/.exec(text) ?? [];
  return code !== undefined && address.endsWith(`//${at}`) ? code : text;
}

/**
 * The text of an error, also of one that only wraps others: a host name with several addresses fails with an
 * `AggregateError` without a text, a Cluster with one that hides its nodes'.
 */
function describe(error: Error): string {
  if (error instanceof AggregateError) {
    const texts = (error.errors as unknown[]).map((inner) =>
      inner instanceof Error ? describe(inner) : String(inner),
    );
    if (texts.length > 0) return [...new Set(texts)].join(', ');
  }
  const inner = innerError(error);
  if (inner !== undefined && !error.message.includes(inner.message)) {
    return error.message === '' ? describe(inner) : `${error.message} (${describe(inner)})`;
  }
  return error.message || codeOf(error) || error.name;
}

function innerError(error: Error): Error | undefined {
  if ('lastNodeError' in error && error.lastNodeError instanceof Error) return error.lastNodeError;
  return error.cause instanceof Error ? error.cause : undefined;
}

function explainTls(error: Error, peer: Peer): TlsFailure | undefined {
  if (peer.tls === undefined) return undefined;
  const tlsPeer = { tls: peer.tls, prefix: peer.prefix };
  const code = codeOf(error);
  if (peer.spokeTls && (code === 'ECONNRESET' || code === 'EPIPE')) return explainHangUp(tlsPeer);
  const failure = explainTlsError(error, code, tlsPeer);
  if (failure !== undefined) return failure;
  const inner = firstInner(error);
  return inner === undefined ? undefined : explainTls(inner, peer);
}

function adviseOn(error: Error, peer: Peer): string | undefined {
  const code = codeOf(error);
  const tls = peer.tls !== undefined;
  if (tls && (code === 'ECONNRESET' || code === 'EPROTO' || code.startsWith('ERR_SSL'))) {
    return `it seems not to speak TLS: ${howToTurnTls(peer, false)}`;
  }
  if (!tls && code === 'ECONNRESET') return adviseTls(peer);
  if (tls && code === 'ETIMEDOUT') {
    // Redis waits for the rest of what it takes to be a command.
    return `${ADVICE[code] ?? ''}; if it does not speak TLS, ${howToTurnTls(peer, false)}`;
  }
  const advice = ADVICE[code] ?? adviseOnLogin(code, peer);
  if (advice !== undefined) return advice;
  const inner = firstInner(error);
  return inner === undefined ? undefined : adviseOn(inner, peer);
}

/** About a server that hangs up if it is asked without TLS: it may speak only TLS. */
function adviseTls(peer: Peer): string {
  return peer.address.startsWith('unix:')
    ? 'look for the reason in its log'
    : `if it speaks TLS, ${howToTurnTls(peer, true)}; if not, check the network`;
}

function howToTurnTls({ address, prefix }: Peer, on: boolean): string {
  if (prefix === 'sentinel_') return `set sentinel_tls=${on}`;
  if (/^rediss?:/.test(address)) return `use ${on ? 'rediss' : 'redis'}:// for it`;
  return on ? 'add tls=true to the URL' : 'leave tls=true out of the URL';
}

function adviseOnLogin(code: string, { prefix }: Peer): string | undefined {
  const inUrl = prefix === '' ? 'in the URL, as in redis://user:password@host' : 'in sentinel_password';
  if (code === 'NOAUTH') return `give a password ${inUrl}, or name a file with it in ${prefix}password_file`;
  if (code !== 'WRONGPASS') return undefined;
  return prefix === ''
    ? 'correct the user or the password in the URL, or in the files that it names'
    : 'correct sentinel_username or sentinel_password, or the files with them';
}

function firstInner(error: Error): Error | undefined {
  const inner = error instanceof AggregateError ? (error.errors as unknown[])[0] : innerError(error);
  return inner instanceof Error ? inner : undefined;
}

function codeOf(error: Error): string {
  if (isReplyError(error)) return replyCode(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
