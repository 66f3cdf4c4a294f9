import type { Redis } from 'ioredis';

/** Of the client's connector: opens a connection to one Sentinel. */
type ConnectToSentinel = (...args: unknown[]) => Redis;

/**
 * Adds a listener for errors to every connection to a Sentinel. The client opens one to each, to learn of failovers, without
 * one; the client would then print every failure of an unreachable Sentinel to standard error. It is retried, and the other
 * Sentinels know the same.
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
