import { randomUUID } from 'node:crypto';
import type { RebuildOptions } from '@streamfold/aggregator';
import { CATALOGUE } from '@streamfold/core';
import { pauseBriefly } from './pause-briefly.ts';

/** A rebuild of one shard inside the test process, with the default definitions. */
export function rebuildOptions(
  options: Pick<RebuildOptions, 'redis' | 'redisUrl' | 'prefix'> & Partial<RebuildOptions>,
): RebuildOptions {
  return {
    shards: 1,
    catalogue: CATALOGUE,
    log: undefined,
    force: false,
    consumer: randomUUID(),
    claimIdleMs: 30_000,
    batchEntries: 50,
    observe: () => undefined,
    onBegin: () => undefined,
    onLeftOut: () => undefined,
    onProgress: () => undefined,
    now: () => performance.now(),
    pause: pauseBriefly,
    ...options,
  };
}
