import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_DEFINITIONS } from '@streamfold/core';
import { runAggregator, type AggregatorOptions, type Fact } from '@streamfold/aggregator';

/** An aggregator that runs inside the test's own process. */
export interface TestAggregator {
  readonly url: string;
  /** What it told, in order. */
  readonly facts: readonly Fact[];
  /** Resolves when it has ended; rejects where it failed. */
  readonly ended: Promise<void>;
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>;
}

/** Starts an aggregator, on a free port unless told otherwise, and resolves when it listens. */
export async function startAggregator(
  options: Pick<AggregatorOptions, 'redisUrl'> & Partial<AggregatorOptions>,
): Promise<TestAggregator> {
  const stop = new AbortController();
  const facts: Fact[] = [];
  let ended: Promise<void> = Promise.resolve();
  const url = await new Promise<string>((resolve, reject) => {
    ended = runAggregator(
      {
        prefix: 'streamfold',
        shards: 1,
        host: '127.0.0.1',
        port: 0,
        consumer: randomUUID(),
        role: 'all',
        claimIdleMs: 30_000,
        batchEntries: 2_000,
        definitions: DEFAULT_DEFINITIONS,
        monitorGraceMs: 1_000,
        endedForMs: 86_400_000,
        generationGraceMs: 300_000,
        version: 'test',
        now: () => performance.now(),
        pause: async (ms, signal) => {
          await sleep(ms, undefined, { signal }).catch(() => undefined);
        },
        createId: randomUUID,
        onListening: resolve,
        observe: (fact) => facts.push(fact),
        ...options,
      },
      stop.signal,
    );
    ended.catch(reject);
  });
  return {
    url,
    facts,
    ended,
    async stop() {
      stop.abort();
      await ended;
    },
  };
}
