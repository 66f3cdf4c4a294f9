import { startPrivateRedis, type PrivateRedis, type PrivateRedisOptions } from '@streamfold/private-servers';
import { Redis } from 'ioredis';

/** A private Redis, and a connection, which reconnects, to inspect it from outside. */
export interface TestRedis extends PrivateRedis {
  readonly redis: Redis;
}

/** Starts a Redis for a test file; each test should use its own prefix (`nextPrefix`). */
export async function startRedis(options: PrivateRedisOptions = {}): Promise<TestRedis> {
  const server = await startPrivateRedis(options);
  const redis = new Redis({
    port: server.port,
    host: '127.0.0.1',
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
  });
  redis.on('error', () => undefined); // a server that is killed on purpose
  return {
    ...server,
    get pid() {
      return server.pid;
    },
    redis,
    async stop() {
      redis.disconnect();
      await server.stop();
    },
  };
}

let prefixes = 0;

/** A key prefix that no other test of this file uses. */
export function nextPrefix(): string {
  return `t${++prefixes}`;
}
