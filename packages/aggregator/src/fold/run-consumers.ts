import { setMaxListeners } from 'node:events';
import { ColumnPool, noUpcasters } from '@streamfold/core';
import { agreeOnShardCount, type Installation, type RedisConnection } from '@streamfold/redis';
import { createFolding, type CommitBounds } from './fold-entries.ts';
import type { FoldingMode } from '../state/commit-batch.ts';
import { createConnections } from '../run/connections.ts';
import { createConsumer } from './consumer.ts';
import type { OnCommitted } from './pipeline.ts';
import { createReadNames } from './read-names.ts';
import { createStreamReads } from './stream-reads.ts';
import { createGroup, type GroupOutcome } from '../state/create-group.ts';
import type { Observe } from '../run/fact.ts';
import { numberOf, openGeneration, type Generation } from '../state/generation.ts';
import { HASH_SEED } from '../state/hash-seed.ts';
import type { Pause } from '../run/retry.ts';
import { readRegistry } from '../state/read-registry.ts';

/** The settings of consumers, for any generation. */
export interface ConsumerSettings extends Installation {
  readonly redisUrl: string;
  /** Name of the consumer, unique to this process. Each of its readers adds its own number. */
  readonly consumer: string;
  readonly claimIdleMs: number;
  readonly batchEntries: number;
  /** Whether the generation is live at the moment, or replays entries that another one has already shown. */
  readonly mode: () => FoldingMode;
  readonly onCommitted?: OnCommitted;
  readonly observe: Observe;
  /** Time within which Redis must reply to any command, ms. By default 5 s or 10 s, depending on the command. */
  readonly replyTimeoutMs?: number;
  /** Monotonic clock, ms. */
  readonly now: () => number;
  readonly pause: Pause;
}

/** Readers per shard and process: while one waits for its commit, the other one reads. */
const CONSUMERS_PER_SHARD = 2;
/**
 * A read waits this long for entries. On an idle stream, a shutdown takes up to this time for each reader of a shard, as
 * they wait in turn.
 */
const BLOCK_MS = 500;
/** A command without a reply after this time is given up; more than a long script takes. */
const COMMAND_TIMEOUT_MS = 10_000;
/** Bounds of a commit in addition to the number of entries: it then occupies Redis for a few ms. */
const COMMIT_BYTES = 2 * 1024 * 1024;
const COMMIT_SERIES = 10_000;
const COMMIT_DEAD_LETTERS = 500;
/** JSON can be six times as long as the largest entry that is kept whole. */
const FIELDS_CHARACTERS = 24 * 1024 * 1024;

/** The bounds of a commit of this number of entries. */
export function boundCommit(entries: number): CommitBounds {
  return {
    entries,
    payloadBytes: COMMIT_BYTES,
    series: COMMIT_SERIES,
    deadLetters: COMMIT_DEAD_LETTERS,
    fieldsCharacters: FIELDS_CHARACTERS,
  };
}

/**
 * Folds one generation, given for each shard, until `stop` is aborted or it is dropped. Then it commits its current batches
 * and closes the connections that it has opened.
 *
 * @throws {ConfigurationError} if Redis lost everything and was set up differently meanwhile.
 */
export async function runConsumers(
  generations: readonly Generation[],
  settings: ConsumerSettings,
  stop: AbortSignal,
): Promise<void> {
  const { redisUrl, shards, claimIdleMs, batchEntries, mode, onCommitted, observe, now, pause } = settings;
  const { replyTimeoutMs = COMMAND_TIMEOUT_MS } = settings;
  const connections = createConnections(redisUrl, observe);
  const group = new AbortController();
  setMaxListeners(0, group.signal); // all readers of all shards may pause at once
  const redis = connections.open('fold', replyTimeoutMs);
  const consumers = generations.flatMap((generation) => {
    const { shard } = generation;
    const { events } = generation.shardKeys;
    const reads = createStreamReads({
      redis,
      readRedis: connections.openAtOwner(redis, events, `read-${shard}`),
      pause: (ms) => pause(ms, group.signal),
    });
    const context = { shard, shards, upcasters: noUpcasters };
    const pool = new ColumnPool(generation.catalogue);
    return Array.from({ length: CONSUMERS_PER_SHARD }, (_, reader) =>
      createConsumer({
        reads,
        redis,
        generation,
        restoreGroup: () => restoreGroup(redis, generation, settings),
        names: createReadNames(`${settings.consumer}:${reader}`),
        fold: createFolding({ ...generation, context, hashSeed: HASH_SEED, pool }),
        bounds: boundCommit(batchEntries),
        mode,
        ...(onCommitted && { onCommitted }),
        blockMs: BLOCK_MS,
        claimIdleMs,
        observe,
        now,
        pause,
      }),
    );
  });
  const end = (): void => group.abort();
  stop.addEventListener('abort', end, { once: true });
  if (stop.aborted) end();
  try {
    const runs = consumers.map((consumer) => consumer.run(group.signal));
    for (const run of runs) run.catch(end); // the others must not go on without it
    const ended = await Promise.allSettled(runs);
    for (const each of ended) if (each.status === 'rejected') throw each.reason;
  } finally {
    stop.removeEventListener('abort', end);
    await connections.close();
  }
}

/** Whatever removed the group may also have removed the records: they are then written again. */
async function restoreGroup(
  redis: RedisConnection,
  generation: Generation,
  installation: Installation,
): Promise<GroupOutcome> {
  const { id, prefix, catalogue } = generation;
  await agreeOnShardCount(redis, installation);
  let { live, generations } = await readRegistry(redis, prefix);
  if (live === undefined) {
    await openGeneration(redis, generation, { catalogue, number: numberOf(id) });
    ({ live, generations } = await readRegistry(redis, prefix));
  }
  const registered = generations.get(id);
  if (registered === undefined || registered.state === 'dropping') return 'gone';
  const outcome = await createGroup(redis, generation, id === live ? 'live' : 'existing');
  return outcome === 'lost' ? 'gone' : outcome; // the roster finds out which generation is live
}
