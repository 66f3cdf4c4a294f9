import type { Redis } from 'ioredis';

/** Of the client's connector: opens a connection to one Sentinel. */
type ConnectToSentinel = (...args: unknown[]) => Redis;

/**
 * Calls `before` before a connection to a Sentinel is made, and `after` with it. The client makes one to each Sentinel: to
 * ask for the primary, and to learn of failovers.
 */
export function interceptSentinels(redis: Redis, before: () => void, after: (sentinel: Redis) => void): void {
  const connector: unknown = Reflect.get(redis, 'connector');
  if (typeof connector !== 'object' || connector === null) return;
  const connect: unknown = Reflect.get(connector, 'connectToSentinel');
  if (typeof connect !== 'function') return;
  Reflect.set(connector, 'connectToSentinel', (...args: unknown[]) => {
    before();
    const sentinel = (connect as ConnectToSentinel).apply(connector, args);
    after(sentinel);
    return sentinel;
  });
}
