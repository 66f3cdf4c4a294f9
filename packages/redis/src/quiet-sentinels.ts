import type { Redis } from 'ioredis';

/** Of the client's connector: opens a connection to one Sentinel. */
type ConnectToSentinel = (...args: unknown[]) => Redis;

/**
 * Gives every connection to a Sentinel a listener for errors. The client opens one to each, to hear of failovers, without
 * one; a Sentinel that is away would then be printed to standard error, again and again, in the client's words. It is tried
 * again, and the other Sentinels know as much.
 */
export function quietSentinels(redis: Redis): void {
  const connector: unknown = Reflect.get(redis, 'connector');
  if (typeof connector !== 'object' || connector === null) return;
  const connect: unknown = Reflect.get(connector, 'connectToSentinel');
  if (typeof connect !== 'function') return;
  Reflect.set(connector, 'connectToSentinel', (...args: unknown[]) => {
    const sentinel = (connect as ConnectToSentinel).apply(connector, args);
    sentinel.on('error', () => undefined);
    return sentinel;
  });
}
