import { type RedisConnection, replyField, type Shard, shardKeys } from '@streamfold/redis';

/** A dead letter as it is in the dead-letter stream. */
export interface StoredDeadLetter {
  readonly shard: number;
  /** Its own ID in the dead-letter stream. */
  readonly id: string;
  /** The entry that held the event, and the index of the event in a batch. */
  readonly entryId: string;
  readonly index: number | undefined;
  readonly reason: string;
  readonly detail: string;
  /** The event's fields as a JSON object. */
  readonly fields: string;
}

/** Selects dead letters. */
export interface DeadLetterFilter {
  /** Only these IDs of the dead-letter stream; `undefined`: all. */
  readonly ids: ReadonlySet<string> | undefined;
  /** Only this reason; `undefined`: any. */
  readonly reason: string | undefined;
}

/** Dead letters read at once: each is at most about 1 MiB. */
const PAGE_LETTERS = 100;

/**
 * XREVRANGE dead + - COUNT 1, then XRANGE dead (id last COUNT n
 *
 * The dead letters of a shard that pass the filter, oldest first, page by page. Those written meanwhile are left
 * out: otherwise a retry of events that an aggregator refuses again would never end.
 */
export async function* readDeadLetters(
  redis: RedisConnection,
  shard: Shard,
  { ids, reason }: DeadLetterFilter,
): AsyncGenerator<StoredDeadLetter> {
  const { dead } = shardKeys(shard);
  const [newest] = await redis.xrevrange(dead, '+', '-', 'COUNT', 1);
  if (newest === undefined) return;
  for (let from = '-'; ;) {
    const page = await redis.xrange(dead, from, newest[0], 'COUNT', PAGE_LETTERS);
    for (const [id, fields] of page) {
      const letter = toDeadLetter(shard.shard, id, fields);
      if (ids !== undefined && !ids.has(id)) continue;
      if (reason === undefined || letter.reason === reason) yield letter;
    }
    const last = page.at(-1);
    if (last === undefined) return;
    from = `(${last[0]}`;
  }
}

function toDeadLetter(shard: number, id: string, fields: readonly string[]): StoredDeadLetter {
  const read = (name: string): string => String(replyField(fields, name) ?? '');
  const index = replyField(fields, 'index');
  return {
    shard,
    id,
    entryId: read('entry_id'),
    index: index === undefined ? undefined : Number(index),
    reason: read('reason'),
    detail: read('detail'),
    fields: read('fields'),
  };
}

/** XDEL dead id: true if it was still there. No consumer group reads this stream, so nothing else is affected. */
export async function dropDeadLetter(
  redis: RedisConnection,
  prefix: string,
  { shard, id }: StoredDeadLetter,
): Promise<boolean> {
  return (await redis.xdel(shardKeys({ prefix, shard }).dead, id)) === 1;
}
