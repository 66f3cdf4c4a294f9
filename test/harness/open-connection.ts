import { connectRedis, whenReady, type ConnectionError, type RedisConnection } from '@streamfold/redis';
import type { ExecutionContext } from './ava.ts';

/** A connection that is being made; it is closed at the end of the test. */
export function openConnection(
  t: ExecutionContext,
  url: string,
  onError?: (error: ConnectionError) => void,
): RedisConnection {
  const connection = connectRedis(url, {
    name: 'test',
    commandTimeoutMs: 10_000,
    ...(onError && { onError }),
  });
  t.teardown(() => connection.disconnect());
  connection.connect().catch(() => undefined);
  return connection;
}

/** Resolves when the URL has led to a Redis that answers. */
export async function assertReachable(t: ExecutionContext, url: string): Promise<void> {
  const connection = openConnection(t, url);
  await whenReady(connection, 20_000);
  t.is(await connection.set('reached', 'yes'), 'OK');
}

/** The error of an attempt to connect. */
export async function failToConnect(t: ExecutionContext, url: string): Promise<string> {
  const error = await t.throwsAsync(whenReady(openConnection(t, url), 20_000));
  return error?.message ?? '';
}
