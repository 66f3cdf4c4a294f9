import { Cluster, Redis } from 'ioredis';
import {
  connectBy,
  connectRedis,
  originOf,
  whenReady,
  type ConnectOptions,
  type RedisConnection,
} from './connect.ts';
import { openNode } from './open-connection.ts';
import { findOwner, slotOf } from './owner-address.ts';
import { isRedirection } from './reply-error.ts';
import type { NatMap, RedisAddress } from './redis-address.ts';

/**
 * Opens another connection to the server that holds `key`, for a reader that needs one of its own; it connects, and
 * reconnects, in the background. In a Cluster it leads to the node that owns the slot of `key`, one socket, and its address
 * is looked up anew at each attempt to connect. That node may redirect a command (`isRedirected`): do it on `redis`, which
 * knows the new owner from then on, and call `followOwner`.
 *
 * Undefined for a connection that was not opened by `connectRedis`.
 *
 * @throws {ConfigurationError} if a file that the URL names is unusable.
 */
export function connectToOwner(
  redis: RedisConnection,
  key: string,
  options: Partial<ConnectOptions> & Pick<ConnectOptions, 'name'>,
): Redis | undefined {
  const origin = originOf(redis);
  if (origin === undefined) return undefined;
  const own = { url: origin.url, options: { ...origin.options, ...options } };
  if (redis instanceof Cluster) return connectToNode(redis, key, own);
  const connection = connectRedis(own.url, own.options);
  connection.connect().catch(() => undefined); // onError reports it; it keeps trying
  return connection instanceof Redis ? connection : undefined;
}

function connectToNode(
  cluster: Cluster,
  key: string,
  own: { readonly url: string; readonly options: ConnectOptions },
): Redis {
  const slot = slotOf(key);
  let natMap: NatMap | undefined;
  const findAddress = (): RedisAddress | undefined => findOwner(cluster, slot, natMap);
  const node = connectBy((target, state, common) => {
    natMap = target.natMap;
    return openNode(target, state, { common, findAddress });
  }, own);
  owners.set(node, findAddress);
  // The node may be gone, and another one own its slots by the next attempt.
  node.on('error', () => cluster.refreshSlotsCache());
  const connect = (): void => {
    if (node.status === 'wait') node.connect().catch(() => undefined);
  };
  if (cluster.status === 'ready') connect();
  else cluster.once('ready', connect);
  return node;
}

/** Of each connection to a node, where the owner of its key is. */
const owners = new WeakMap<Redis, () => RedisAddress | undefined>();

/** True if the error is a redirection of the node to which `connectToOwner` has led: the command was not done. */
export function isRedirected(connection: Redis, error: unknown): boolean {
  return owners.has(connection) && isRedirection(error);
}

/** Connects anew if the key of this connection has another owner by now, as far as the client of the Cluster knows. */
export function followOwner(connection: Redis): void {
  const owner = owners.get(connection)?.();
  const { host, port } = connection.options;
  if (connection.status !== 'ready' || owner === undefined) return;
  if (owner.host !== host || owner.port !== port) connection.stream.destroy();
}

/** A twin connects within this time. */
const TWIN_READY_MS = 10_000;

/**
 * Opens a connection as `connectToOwner` does, and waits until it is ready; the caller disconnects it. Also of connections
 * that were opened elsewhere: once such a one is lost, it stays closed. Undefined for a Cluster that was opened elsewhere.
 *
 * @throws {ConnectionError} if it cannot be opened.
 */
export async function openTwin(
  redis: RedisConnection,
  key: string,
  options: Pick<ConnectOptions, 'name'>,
): Promise<Redis | undefined> {
  const twin = connectToOwner(redis, key, options) ?? duplicate(redis, options.name);
  if (twin === undefined) return undefined;
  try {
    await whenReady(twin, TWIN_READY_MS);
  } catch (error) {
    twin.disconnect();
    throw error;
  }
  return twin;
}

function duplicate(redis: RedisConnection, name: string): Redis | undefined {
  if (redis instanceof Cluster) return undefined;
  const twin = redis
    .duplicate({
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      connectionName: name,
      lazyConnect: true,
    })
    .on('error', () => undefined);
  twin.connect().catch(() => undefined); // `whenReady` says why
  return twin;
}
