import { toError, whenReady, type RedisConnection } from '@streamfold/redis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Link } from './link.ts';
import type { CoordinatorSettings } from './options.ts';

/** Wakes waits when ACKs arrive. */
export interface AckBell {
  /**
   * Calls `ring` whenever the signal may have all its ACKs, from now on, until the returned function is called. Some rings
   * are needless, but none is missed.
   */
  listen(signal: string, ring: () => void): () => void;
  /** Rings for all waits. */
  ringAll(): void;
  /** Rings for all waits a last time. */
  close(): void;
}

/** Long, because each read of each waiting coordinator costs Redis a few us; closing the connection ends a read at once. */
const BLOCK_MS = 5_000;
const READY_TIMEOUT_MS = 5_000;
const READ_RINGS = 500;
const PAUSE_MS = 50;

/**
 * XREAD COUNT n BLOCK ms STREAMS bell id
 *
 * One blocking connection for all waits of a coordinator, opened with the first of them.
 */
export function createAckBell(
  link: Link,
  { swarmId, coordinatorId, observer }: CoordinatorSettings,
): AckBell {
  const key = link.keys.bell(swarmId, coordinatorId);
  const listeners = new Map<string, Set<() => void>>();
  let started = false;
  let closed = false;

  const ringAll = (): void => {
    for (const rings of listeners.values()) for (const ring of rings) ring();
  };

  const readRings = async (redis: RedisConnection, from: string): Promise<string> => {
    const reply = await redis.xread('COUNT', READ_RINGS, 'BLOCK', BLOCK_MS, 'STREAMS', key, from);
    const entries = reply?.[0]?.[1] ?? [];
    for (const [, [, signalId = '', , iteration = '', , , , open]] of entries) {
      if (open === '0') for (const ring of listeners.get(`${signalId}|${iteration}`) ?? []) ring();
    }
    if (entries.length === READ_RINGS) ringAll(); // this far behind, more may have been trimmed
    return entries.at(-1)?.[0] ?? from;
  };

  /** A wait may begin before the position of the bell is known: then it rings once for all. */
  const run = async (): Promise<void> => {
    const redis = link.openReader('bell');
    let from: string | undefined;
    while (!closed) {
      try {
        await whenReady(redis, READY_TIMEOUT_MS);
        if (from === undefined) {
          const [last] = await redis.xrevrange(key, '+', '-', 'COUNT', 1);
          from = last?.[0] ?? '0-0';
          ringAll();
        }
        from = await readRings(redis, from);
      } catch (cause) {
        if (closed) return;
        observer.disconnected?.({ error: toError(cause) });
        await sleep(PAUSE_MS);
        from = undefined; // the stream may have been trimmed or rolled back meanwhile: the truth is in the ACKs
      }
    }
  };

  return {
    listen(signal, ring) {
      const rings = listeners.get(signal) ?? new Set();
      listeners.set(signal, rings);
      rings.add(ring);
      if (!started && !closed) void run();
      started = true;
      return () => {
        rings.delete(ring);
        if (rings.size === 0 && listeners.get(signal) === rings) listeners.delete(signal);
      };
    },
    ringAll,
    close() {
      closed = true;
      ringAll();
    },
  };
}
