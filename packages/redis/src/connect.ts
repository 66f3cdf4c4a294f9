import { once } from 'node:events';
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { ConfigurationError } from './configuration-error.ts';

/** A connection to one Redis (directly or found by Sentinels), or to a Redis Cluster. */
export type RedisConnection = Redis | Cluster;

export interface ConnectOptions {
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** A command without a reply for this long is given up, ms; the connection is then not trusted any more. */
  readonly commandTimeoutMs: number;
  /** Told of every connection error; the connection goes on trying. */
  readonly onError?: (error: Error) => void;
}

/** Reconnects after 50 ms at first, then ever slower; the bound keeps an outage's end unnoticed for at most 2 s. */
const RECONNECT_FIRST_MS = 50;
const RECONNECT_LONGEST_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** The URL forms that are understood, for error texts. */
const URL_FORMS =
  'redis://host:port, rediss://host:port, redis-sentinel://host:port,host:port/master-name or redis-cluster://host:port,host:port';

/**
 * Opens a connection that reconnects for ever and never sends a command twice: what was in flight when the connection
 * broke is rejected, so the caller decides what an unknown outcome means.
 *
 * @param url `redis://`, `rediss://` (TLS), `redis-sentinel://a:26379,b:26379/master-name` or
 *   `redis-cluster://a:6379,b:6379`, each with optional `user:password@`; `?tls=true` for the last two.
 * @throws {ConfigurationError} where the URL is none of these.
 */
export function connectRedis(url: string, options: ConnectOptions): RedisConnection {
  const connection = openConnection(parseRedisUrl(url), {
    connectionName: options.name,
    commandTimeout: options.commandTimeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
    retryStrategy: (attempt) =>
      Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(attempt - 1, 10), RECONNECT_LONGEST_MS),
  });
  connection.setMaxListeners(0); // every call that waits for it to be ready listens
  connection.on('error', (error: Error) => options.onError?.(error));
  return connection;
}

interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly masterName: string | undefined;
  readonly credentials: Pick<RedisOptions, 'username' | 'password'>;
  readonly db: number;
  readonly tls: boolean;
}

const URL_PATTERN =
  /^(redis|rediss|redis-sentinel|redis-cluster):\/\/(?:([^@/]*)@)?([^/?@]+)(?:\/([^?]*))?(?:\?(.*))?$/;

function parseRedisUrl(url: string): RedisTarget {
  const match = URL_PATTERN.exec(url);
  if (match === null) throw badUrl(url);
  const [, scheme = '', userinfo, hosts = '', path = '', query = ''] = match;
  const kind = scheme === 'redis-sentinel' ? 'sentinel' : scheme === 'redis-cluster' ? 'cluster' : 'single';
  const nodes = hosts.split(',').map((host) => parseNode(host, kind === 'sentinel' ? 26379 : 6379, url));
  const masterName = kind === 'sentinel' ? path : undefined;
  const database = kind === 'single' && path !== '' ? path : '0';
  if (!/^\d{1,5}$/.test(database) || masterName === '' || (kind === 'single' && nodes.length > 1))
    throw badUrl(url);
  return {
    kind,
    nodes,
    masterName,
    credentials: parseCredentials(userinfo, url),
    db: Number(database),
    tls: scheme === 'rediss' || new URLSearchParams(query).get('tls') === 'true',
  };
}

function parseNode(text: string, defaultPort: number, url: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? defaultPort);
  if (match?.[1] === undefined || port < 1 || port > 65_535) throw badUrl(url);
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

function parseCredentials(userinfo: string | undefined, url: string): RedisTarget['credentials'] {
  if (userinfo === undefined || userinfo === '') return {};
  const colon = userinfo.indexOf(':');
  try {
    const username = decodeURIComponent(colon === -1 ? userinfo : userinfo.slice(0, colon));
    const password = colon === -1 ? undefined : decodeURIComponent(userinfo.slice(colon + 1));
    return { ...(username === '' ? {} : { username }), ...(password === undefined ? {} : { password }) };
  } catch (cause) {
    throw badUrl(url, cause);
  }
}

function badUrl(url: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(`Redis URL: expected ${URL_FORMS}; got ${JSON.stringify(redactUrl(url))}`, {
    cause,
  });
}

/** The URL without its password, for logs and error texts. */
export function redactUrl(url: string): string {
  return url.replace(/(:\/\/[^:@/]*):.*@/, '$1:***@'); // to the last @: a password may hold any character by mistake
}

function openConnection(target: RedisTarget, common: RedisOptions & ClusterOptions): RedisConnection {
  const { kind, nodes, credentials, db } = target;
  const tls = target.tls ? { tls: {} } : {};
  if (kind === 'cluster') {
    const { enableOfflineQueue, lazyConnect, ...redisOptions } = common;
    return new Cluster([...nodes], {
      enableOfflineQueue: enableOfflineQueue ?? false,
      lazyConnect: lazyConnect ?? true,
      clusterRetryStrategy: (attempt) => Math.min(RECONNECT_FIRST_MS * attempt, RECONNECT_LONGEST_MS),
      redisOptions: { ...redisOptions, ...credentials, ...tls },
    });
  }
  if (kind === 'sentinel') {
    return new Redis({
      ...common,
      ...credentials,
      sentinels: [...nodes],
      name: target.masterName ?? '',
      ...(target.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {}, tls: {} } : {}),
    });
  }
  const [node] = nodes;
  return new Redis({ ...common, ...credentials, ...tls, db, ...node });
}

/** True while commands can be sent. */
export function isReady(connection: RedisConnection): boolean {
  return connection.status === 'ready';
}

/**
 * Resolves when commands can be sent; at once where they can be already.
 *
 * @throws the error of the next failed attempt to connect, or a timeout after `timeoutMs`.
 */
export async function whenReady(connection: RedisConnection, timeoutMs: number): Promise<void> {
  if (isReady(connection)) return;
  await once(connection, 'ready', { signal: AbortSignal.timeout(timeoutMs) });
}
