import type { Redis } from 'ioredis';

/**
 * Lets a program survive a second error of one socket. The client listens to the first one only, and a socket of TLS may
 * have two: its own, and the server's refusal of what was sent last. Node.js ends a program for an error without a listener.
 */
export function surviveSocketErrors(redis: Redis): void {
  let socket = redis.stream as Redis['stream'] | undefined;
  Object.defineProperty(redis, 'stream', {
    configurable: true,
    enumerable: true,
    get: () => socket,
    set: (next: Redis['stream']) => {
      socket = next;
      next.on('error', () => undefined);
    },
  });
}
