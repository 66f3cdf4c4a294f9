import { connectRedis, connectToOwner, isReady, type RedisConnection } from '@streamfold/redis';
import type { Redis } from 'ioredis';
import type { Observe } from './fact.ts';

/** The connections of one aggregator. */
export interface Connections {
  /** Opens one more, shown as `streamfold-<name>`; it connects, and reconnects, in the background. */
  open(name: string, commandTimeoutMs: number): RedisConnection;
  /**
   * Opens one more to the server that holds `key`: in a Cluster to the node that owns its slot, which `redis`, one of these
   * connections, knows. See `connectToOwner`.
   */
  openAtOwner(redis: RedisConnection, key: string, name: string): Redis;
  /** Closes all connections. Afterwards none reconnects. */
  close(): Promise<void>;
}

/** No connections yet, to the Redis at `url`. */
export function createConnections(url: string, observe: Observe): Connections {
  const opened: RedisConnection[] = [];
  return {
    open(name, commandTimeoutMs) {
      const connection = connectRedis(url, {
        name: `streamfold-${name}`,
        commandTimeoutMs,
        onError: (error) => observe({ type: 'connection_failed', error }),
      });
      opened.push(connection);
      connection.connect().catch(() => undefined); // onError reports it; it keeps trying
      return connection;
    },
    openAtOwner(redis, key, name) {
      const connection = connectToOwner(redis, key, { name: `streamfold-${name}` });
      if (connection === undefined) throw new TypeError(`expected one of the connections to ${name}`);
      opened.push(connection);
      return connection;
    },
    async close() {
      await Promise.all(
        opened.map(async (connection) => {
          if (isReady(connection)) await connection.quit().catch(() => undefined);
          connection.disconnect();
        }),
      );
    },
  };
}
