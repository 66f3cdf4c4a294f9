import { whenReady, type RedisConnection } from '@streamfold/redis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Link } from './link.ts';
import type { CoordinatorSettings } from './options.ts';

/** Wakes waits when ACKs come in. */
export interface AckBell {
  /**
   * Calls `ring` whenever the signal may have all its ACKs, from now on, until the returned function is called. A ring
   * may be in vain, none is missed.
   */
  listen(signal: string, ring: () => void): Promise<() => void>;
  /** Rings for all. */
  ringAll(): void;
  /** Rings for all, and no more. */
  close(): void;
}

const BLOCK_MS = 1_000;
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
  const key = `${link.events.slice(0, -'events'.length)}bell:${swarmId}|${coordinatorId}`;
  const listeners = new Map<string, Set<() => void>>();
  let redis: RedisConnection | undefined;
  let started: Promise<void> | undefined;
  let closed = false;

  const ringAll = (): void => {
    for (const rings of listeners.values()) for (const ring of rings) ring();
  };

  const start = async (): Promise<void> => {
    redis ??= link.openReader('bell');
    const reader = redis;
    const readLast = async (): Promise<string> => {
      await whenReady(reader, READY_TIMEOUT_MS);
      const [last] = await reader.xrevrange(key, '+', '-', 'COUNT', 1);
      return last?.[0] ?? '0-0';
    };
    let from = await readLast();
    void (async () => {
      while (!closed) {
        try {
          await whenReady(reader, READY_TIMEOUT_MS);
          const reply = await reader.xread('COUNT', READ_RINGS, 'BLOCK', BLOCK_MS, 'STREAMS', key, from);
          for (const [entryId, fields] of reply?.[0]?.[1] ?? []) {
            from = entryId;
            const [, signalId = '', , iteration = '', , , , open] = fields;
            if (open === '0') for (const ring of listeners.get(`${signalId}|${iteration}`) ?? []) ring();
          }
        } catch (cause) {
          if (closed) return;
          observer.disconnected?.({ error: cause instanceof Error ? cause : new Error(String(cause)) });
          await sleep(PAUSE_MS);
          // The stream may have been trimmed or rolled back meanwhile: the truth is in the ACKs.
          from = await readLast().catch(() => from);
          ringAll();
        }
      }
    })();
  };

  return {
    async listen(signal, ring) {
      const rings = listeners.get(signal) ?? new Set();
      listeners.set(signal, rings);
      rings.add(ring);
      const unlisten = (): void => {
        rings.delete(ring);
        if (rings.size === 0 && listeners.get(signal) === rings) listeners.delete(signal);
      };
      started ??= start();
      try {
        await started;
      } catch (error) {
        started = undefined; // the next wait tries again
        unlisten();
        throw error;
      }
      return unlisten;
    },
    ringAll,
    close() {
      closed = true;
      ringAll();
    },
  };
}
