import { startPrivateRedis, type PrivateRedis, type PrivateRedisOptions } from '@streamfold/private-servers';
import { Redis } from 'ioredis';

/** A private Redis, and a connection, which reconnects, to inspect it from outside. */
export interface TestRedis extends PrivateRedis {
  readonly redis: Redis;
}

/** Starts a server for tests that end it, change its settings or watch all of it. */
export async function startRedis(options: PrivateRedisOptions = {}): Promise<TestRedis> {
  return connect(await startPrivateRedis(options));
}

let shared: Promise<PrivateRedis> | undefined;
let users = 0;

/**
 * The server of a suite, for tests that need only keys of their own: each takes a prefix with `nextPrefix`. It ends when
 * the last file that uses it has stopped using it.
 */
export async function shareRedis(): Promise<TestRedis> {
  users++;
  shared ??= startPrivateRedis();
  const server = await shared;
  return connect({
    ...server,
    stop: async () => {
      if (--users > 0) return;
      shared = undefined;
      await server.stop();
    },
  });
}

function connect(server: PrivateRedis): TestRedis {
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

/** A key prefix that no other test of this suite uses. */
export function nextPrefix(): string {
  return `t${++prefixes}`;
}
