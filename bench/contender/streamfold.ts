import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { runAggregator } from '@streamfold/aggregator';
import { DEFAULT_DEFINITIONS } from '@streamfold/core';
import { waitForStart } from './start-gate.ts';

// One aggregator as `streamfold serve` runs it: folds, keeps its view and serves. Ends with SIGTERM.
const [, , redisUrl = '', role = 'all'] = process.argv;
const stop = new AbortController();
await waitForStart();
process.once('SIGTERM', () => stop.abort());
await runAggregator(
  {
    redisUrl,
    prefix: 'streamfold',
    shards: 1,
    host: '127.0.0.1',
    port: 0,
    consumer: randomUUID(),
    role: role === 'fold' ? 'fold' : 'all',
    claimIdleMs: 30_000,
    batchEntries: 2_000,
    definitions: DEFAULT_DEFINITIONS,
    monitorGraceMs: 15_000,
    endedForMs: 86_400_000,
    generationGraceMs: 300_000,
    version: 'bench',
    observe: () => undefined,
    onListening: (url) => process.send?.({ type: 'listening', url }),
    now: () => performance.now(),
    pause: async (ms, signal) => {
      await sleep(ms, undefined, { signal }).catch(() => undefined);
    },
    createId: randomUUID,
  },
  stop.signal,
);
process.disconnect?.();
