import { whenReady, type RedisConnection } from '@streamfold/redis';
import type { FailingStep, Observe } from './fact.ts';
import { retry, type Pause } from './retry.ts';
import type { Actor } from './run-group.ts';

export interface RepeatOptions {
  readonly redis: RedisConnection;
  readonly step: FailingStep;
  readonly everyMs: number;
  readonly observe: Observe;
  readonly pause: Pause;
}

/** A connection that is not ready after this time is reported as a failure, and waited for again. */
const READY_TIMEOUT_MS = 5_000;

/** Runs `work` at once, and then at intervals until stopped; a failure is retried sooner. */
export function repeat(options: RepeatOptions, work: () => Promise<void>): Actor {
  const { redis, step, everyMs, observe, pause } = options;
  return async (stop) => {
    while (!stop.aborted) {
      await retry({ step, observe, pause, stop }, async () => {
        await whenReady(redis, READY_TIMEOUT_MS);
        await work();
      });
      await pause(everyMs, stop);
    }
  };
}
