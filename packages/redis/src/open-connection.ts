import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { unreachable, type ConnectionError, type Peer } from './connection-error.ts';
import { followAccess, refreshBeforeConnecting, type AccessOptions } from './fresh-access.ts';
import { guardCluster, guardConnection, type CommandRules } from './guard-commands.ts';
import { showAddress, type NatMap, type RedisAddress } from './redis-address.ts';
import type { RedisTarget } from './redis-url.ts';
import { isReplyError } from './reply-error.ts';
import { interceptSentinels } from './sentinel-connections.ts';
import { surviveSocketErrors } from './socket-errors.ts';
import { toError } from './to-error.ts';

/** What is known of an open connection. */
export interface ConnectionState {
  readonly peer: Peer;
  fail(error: ConnectionError): void;
  /** Reports an error that does not end an attempt to connect. */
  warn(error: Error): void;
  /** Of the last failed attempt to connect, or of the break before it; undefined from the next success on. */
  lastError: ConnectionError | undefined;
  /** Why the last connection to one Sentinel or one node failed: of these, the client itself only says that all failed. */
  innerError: ConnectionError | undefined;
}

/** Options of every connection that this program opens. */
export type CommonOptions = RedisOptions & ClusterOptions & { readonly commandTimeout: number };

/** A Sentinel answers from memory. */
const SENTINEL_TIMEOUT_MS = 2_000;
/** CLUSTER SLOTS; the client's own second is too short for a node under load. */
const SLOTS_TIMEOUT_MS = 3_000;

/**
 * Makes the client for a URL, not yet connected.
 *
 * @throws {ConfigurationError} if a file that the URL names is unusable.
 */
export function openConnection(
  target: RedisTarget,
  state: ConnectionState,
  common: CommonOptions,
): Redis | Cluster {
  const readAccess = followAccess(target, (error) => state.warn(error));
  const rules = ruleCommands(state, common);
  if (target.scheme === 'redis-cluster') {
    const cluster = openCluster(target, state, { common, rules, readAccess });
    guardCluster(cluster, rules);
    return cluster;
  }
  const redis =
    target.scheme === 'redis-sentinel'
      ? openBySentinels(target, state, { common, readAccess })
      : new Redis({
          ...common,
          ...readAccess().server,
          db: target.db,
          ...(target.socketPath === undefined ? target.nodes[0] : { path: target.socketPath }),
        });
  surviveSocketErrors(redis);
  refreshBeforeConnecting(redis, () => readAccess().server);
  guardConnection(redis, rules);
  return redis;
}

/**
 * Makes the client for one node of a Cluster, not yet connected.
 *
 * @param findAddress asked before each attempt to connect; undefined: where it was before.
 * @throws {ConfigurationError} if a file that the URL names is unusable.
 */
export function openNode(
  target: RedisTarget,
  state: ConnectionState,
  {
    common,
    findAddress,
  }: { readonly common: CommonOptions; readonly findAddress: () => RedisAddress | undefined },
): Redis {
  const readAccess = followAccess(target, (error) => state.warn(error));
  const redis = new Redis({ ...common, ...readAccess().server, ...target.nodes[0] });
  surviveSocketErrors(redis);
  refreshBeforeConnecting(redis, () => ({ ...readAccess().server, ...findAddress() }));
  guardConnection(redis, { ...ruleCommands(state, common), address: () => describeNode(state, redis) });
  return redis;
}

function ruleCommands(state: ConnectionState, { commandTimeout }: CommonOptions): CommandRules {
  return {
    address: () => state.peer.address,
    timeoutMs: commandTimeout,
    lastError: () => state.lastError,
    onGivenUp: (error) => state.fail(error),
  };
}

/** Name of one node in error texts. */
function describeNode({ peer }: ConnectionState, { options: { host = '', port = 0 } }: Redis): string {
  return `${peer.address} (node ${showAddress({ host, port })})`;
}

function openBySentinels(
  { nodes, masterName, natMap, sentinelTls, tls }: RedisTarget,
  state: ConnectionState,
  { common, readAccess }: { readonly common: CommonOptions; readonly readAccess: () => AccessOptions },
): Redis {
  const readSentinelOptions = (): Partial<RedisOptions> => {
    const { username, password, tls: sentinelTLS } = readAccess().sentinel;
    return {
      ...(username !== undefined && { sentinelUsername: username }),
      ...(password !== undefined && { sentinelPassword: password }),
      ...(sentinelTLS && { sentinelTLS }),
    };
  };
  const redis = new Redis({
    ...common,
    ...readAccess().server,
    ...readSentinelOptions(),
    sentinels: [...nodes],
    name: masterName ?? '',
    failoverDetector: true,
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    enableTLSForSentinelMode: tls !== undefined,
    ...(natMap && { natMap: (announced: string) => mapAddress(natMap, announced) }),
  });
  const peer: Peer = { ...state.peer, tls: sentinelTls, prefix: 'sentinel_' };
  const note = (error: unknown, sentinel?: Redis): void => {
    state.innerError = unreachable({ ...peer, spokeTls: hasConnected(sentinel) }, toError(error));
  };
  // Its connections reconnect by themselves, and the client asks all Sentinels again without connecting anew.
  interceptSentinels(
    redis,
    () => Object.assign(redis.options, readSentinelOptions()),
    (sentinel) => {
      sentinel.on('error', (error) => note(error, sentinel)); // without a listener the client prints the error
      const send = sentinel.sendCommand.bind(sentinel);
      sentinel.sendCommand = (command, stream) => {
        command.promise.catch((error: unknown) => {
          const cause = explainCommand(command.name, toError(error), masterName);
          if (cause !== undefined) note(cause);
        });
        return send(command, stream);
      };
      surviveSocketErrors(sentinel);
      refreshBeforeConnecting(sentinel, () => readAccess().sentinel);
    },
  );
  return redis;
}

/** What the failure of a command to a Sentinel means; undefined if it means nothing, or the connection says more. */
function explainCommand(name: string, error: Error, masterName: string | undefined): Error | undefined {
  if (!/^(?:auth|sentinel)$/i.test(name)) return undefined;
  if (error.message === 'Command timed out') {
    const text = `no reply of a Sentinel within ${SENTINEL_TIMEOUT_MS} ms`;
    return Object.assign(new Error(text), { code: 'ETIMEDOUT' });
  }
  if (!isReplyError(error)) return undefined;
  if (!error.message.includes('No such master')) return error;
  const got = `Sentinels that watch no primary ${JSON.stringify(masterName)}`;
  return new Error(`${got}: correct the name after the slash`);
}

function openCluster(
  { nodes, natMap, tls }: RedisTarget,
  state: ConnectionState,
  {
    common,
    rules,
    readAccess,
  }: {
    readonly common: CommonOptions;
    readonly rules: CommandRules;
    readonly readAccess: () => AccessOptions;
  },
): Cluster {
  const { enableOfflineQueue, lazyConnect, retryStrategy, ...redisOptions } = common;
  const cluster = new Cluster([...nodes], {
    enableOfflineQueue: enableOfflineQueue ?? false,
    lazyConnect: lazyConnect ?? true,
    clusterRetryStrategy: (attempt) => retryStrategy?.(attempt) ?? null,
    retryDelayOnFailover: 0, // otherwise the client sends again what was in flight
    slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
    redisOptions: { ...redisOptions, ...readAccess().server },
    // A certificate holds the name of a host; the client would connect to its address.
    ...(tls && { dnsLookup: (host: string, done: (error: null, host: string) => void) => done(null, host) }),
    ...(natMap && { natMap: (announced: string) => mapAddress(natMap, announced) }),
  });
  const note = (error: unknown, connection?: Redis): void => {
    const peer = { ...state.peer, spokeTls: hasConnected(connection) };
    state.innerError = unreachable(peer, toError(error));
    state.lastError = state.innerError;
  };
  cluster.on('+node', (node: Redis) => {
    const copy = node.duplicate.bind(node);
    // CLUSTER SLOTS has a connection of its own, whose errors the client hides.
    node.duplicate = (override) => {
      Object.assign(node.options, readAccess().server);
      const duplicate = copy(override);
      surviveSocketErrors(duplicate);
      duplicate.on('error', (error) => note(error, duplicate));
      return duplicate;
    };
    surviveSocketErrors(node);
    refreshBeforeConnecting(node, () => readAccess().server);
    guardConnection(node, { ...rules, address: () => describeNode(state, node) });
  });
  cluster.on('node error', (error: unknown) => {
    // The client's text for a connection that was closed on our side; its error came before.
    if (toError(error).message !== 'Connection is closed.' || state.innerError === undefined) note(error);
  });
  return cluster;
}

/** True from the end of the handshake of TLS, if there is one, on. */
export function hasConnected(redis: Redis | Cluster | undefined): boolean {
  return redis?.status === 'connect' || redis?.status === 'ready';
}

function mapAddress(map: NatMap, announced: string): RedisAddress | null {
  const reachable = map.get(announced);
  return reachable === undefined ? null : { ...reachable }; // the client adds properties to it
}
