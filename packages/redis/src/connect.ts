import { Cluster, type Redis } from 'ioredis';
import { broken, ConnectionError, unreachable, type Peer } from './connection-error.ts';
import { hasConnected, openConnection, type CommonOptions, type ConnectionState } from './open-connection.ts';
import { describeTarget, parseRedisUrl, type RedisTarget } from './redis-url.ts';
import { checkObject } from './redis-url-option.ts';

/** A connection to one Redis (directly or found by Sentinels), or to a Redis Cluster. */
export type RedisConnection = Redis | Cluster;

export interface ConnectOptions {
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /**
   * A command must have its reply within this time, ms; one that blocks, within this time after the time it may block.
   * Otherwise it fails, and the connection is closed and opened again.
   */
  readonly commandTimeoutMs: number;
  /** Called when the connection fails, or is given up; it keeps trying to connect. */
  readonly onError?: (error: ConnectionError) => void;
}

/** Reconnects after 50 ms at first, then ever more slowly; the bound makes it notice the end of an outage within 2 s. */
const RECONNECT_FIRST_MS = 50;
const RECONNECT_LONGEST_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
/**
 * A Redis that loads its data is asked this often whether it has finished. Its own estimate may be hours at first: it supposes
 * that all bytes take as long as the first ones.
 */
const LOADING_LOOK_MS = 500;
/** The kernel probes an idle peer after this time. */
const KEEP_ALIVE_MS = 10_000;

/** What is known of each open connection, for the errors of `whenReady`. */
const states = new WeakMap<RedisConnection, ConnectionState>();

/** What a connection is opened with. */
export interface Origin {
  readonly url: string;
  readonly options: ConnectOptions;
}

const origins = new WeakMap<RedisConnection, Origin>();

/** What a connection was opened with; undefined if it was opened elsewhere. */
export function originOf(connection: RedisConnection): Origin | undefined {
  return origins.get(connection);
}

/**
 * Opens a connection that reconnects forever and never sends a command twice: what was in flight when the connection
 * broke is rejected, so that the caller decides what an unknown outcome means. This is the only place that decides when
 * a connection is given up: when a reply does not arrive in time, or Redis replies READONLY, MASTERDOWN or UNBLOCKED. With
 * Sentinels, it also follows a failover as soon as one of them reports it.
 *
 * Commands fail with a `ConnectionError`, or with the error that Redis replied.
 *
 * Files with secrets and certificates are read anew at each attempt to connect, so that they can be replaced.
 *
 * @param url see `parseRedisUrl`.
 * @throws {ConfigurationError} if the URL, or a file that it names, cannot be used.
 */
export function connectRedis(url: string, options: ConnectOptions): RedisConnection {
  return connectBy(openConnection, { url, options });
}

/**
 * The same, with a client that `open` makes.
 *
 * @throws {ConfigurationError} as `connectRedis`.
 */
export function connectBy<Client extends RedisConnection>(
  open: (target: RedisTarget, state: ConnectionState, common: CommonOptions) => Client,
  origin: Origin,
): Client {
  const { url, options } = origin;
  const target = parseRedisUrl(url);
  checkObject('options', options, 'name');
  const state: ConnectionState = {
    peer: { address: describeTarget(target), tls: target.tls, prefix: '' },
    lastError: undefined,
    innerError: undefined,
    fail(error) {
      state.lastError = error;
      options.onError?.(error);
    },
    warn(error) {
      const text = `${error.message.replace(/^Redis URL: /, '')}. Its last contents are used`;
      options.onError?.(new ConnectionError('unreachable', text, error));
    },
  };
  const connection = open(target, state, {
    connectionName: options.name,
    // CLIENT SETINFO: no user could be granted it in Redis 7.0, which does not know it, and CLIENT LIST shows our names anyway.
    disableClientInfo: true,
    commandTimeout: options.commandTimeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    maxLoadingRetryTime: LOADING_LOOK_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
    retryStrategy: (attempt) => reconnectAfterMs(attempt),
  });
  states.set(connection, state);
  origins.set(connection, origin);
  connection.setMaxListeners(0); // any number of callers may wait for it
  connection.on('error', (error: Error) => {
    // Its stream is destroyed already; its status changes after that.
    const wasReady = connection.status === 'ready';
    state.fail(wasReady ? broken(state.peer.address, error) : explainFailure(connection, state, error));
  });
  connection.on('ready', () => {
    state.lastError = undefined;
    state.innerError = undefined;
  });
  return connection;
}

/** The client's texts when no Sentinel, or no node of a Cluster, was reached; the reason came before. */
const ALL_FAILED = /^(?:All sentinels are unreachable|Failed to refresh slots cache)/;

function explainFailure(
  connection: RedisConnection,
  { peer, innerError }: ConnectionState,
  error: Error,
): ConnectionError {
  if (innerError !== undefined && ALL_FAILED.test(error.message)) return innerError;
  return unreachable({ ...peer, spokeTls: hasConnected(connection) }, error);
}

function reconnectAfterMs(attempt: number): number {
  return Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(attempt - 1, 10), RECONNECT_LONGEST_MS);
}

/** True while commands can be sent. */
export function isReady(connection: RedisConnection): boolean {
  if (connection.status !== 'ready') return false;
  // A connection that was just given up may not have noticed it yet.
  return connection instanceof Cluster || !connection.stream.destroyed;
}

/**
 * Resolves when commands can be sent; at once if they can be already.
 *
 * @throws {ConnectionError} that of the next failed attempt to connect; `unreachable` after `timeoutMs`, or if the
 *   connection is closed.
 */
export function whenReady(connection: RedisConnection, timeoutMs: number): Promise<void> {
  if (isReady(connection)) return Promise.resolve();
  const state = states.get(connection);
  const peer: Peer = state?.peer ?? { address: 'Redis', tls: undefined, prefix: '' };
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      connection.off('ready', onReady).off('error', onError).off('end', onEnd);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onReady = (): void => settle();
    // The listener of `connectRedis` was called before.
    const onError = (error: Error): void => settle(state?.lastError ?? unreachable(peer, error));
    const onEnd = (): void => settle(unreachable(peer, new Error('it closed on our side')));
    const timer = setTimeout(() => {
      settle(state?.lastError ?? unreachable(peer, new Error(`no connection within ${timeoutMs} ms`)));
    }, timeoutMs);
    connection.on('ready', onReady).on('error', onError).on('end', onEnd);
  });
}
