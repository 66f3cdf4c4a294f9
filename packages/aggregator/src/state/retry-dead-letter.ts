import { decodeEntry, noUpcasters, swarmShard, type DeadLetter, type Event } from '@streamfold/core';
import { type Installation, loadScript, type RedisConnection, shardKeys } from '@streamfold/redis';
import { dropDeadLetter, type StoredDeadLetter } from './read-dead-letters.ts';

const script = loadScript(new URL('../../lua/append-retried.lua', import.meta.url));

/** `still_bad`: this program cannot fold it either, so it stays where it is; `detail` says why. */
export type RetryOutcome =
  | { readonly outcome: 'appended' | 'repeated'; readonly shard: number; readonly entryId: string }
  | { readonly outcome: 'still_bad'; readonly reason: string; readonly detail: string };

/** How long Redis remembers that a dead letter was appended again, in case its removal did not follow. */
const MARK_TTL_MS = 86_400_000;
/** The number of values that `unpack` handles in one call, with a margin. */
const MOST_VALUES = 7_000;

/**
 * EVALSHA append-retried.lua 2 events mark …, then XDEL dead id
 *
 * Appends the event again, as a new entry of the shard that it belongs to, and removes the dead letter. The event is
 * appended once, however often it is retried: after a crash between the two steps the next retry only removes it.
 */
export async function retryDeadLetter(
  redis: RedisConnection,
  letter: StoredDeadLetter,
  { prefix, shards }: Installation,
): Promise<RetryOutcome> {
  const values = toEntryFields(letter);
  if (values === undefined) return { outcome: 'still_bad', ...UNREADABLE };
  const decoded = decodeAll(values);
  if (decoded.fault !== undefined) return { outcome: 'still_bad', ...decoded.fault };
  const homes = new Set(decoded.events.map((event) => swarmShard(event.swarm_id, shards)));
  const [shard] = homes;
  if (shard === undefined || homes.size > 1) {
    return { outcome: 'still_bad', reason: 'wrong_shard', detail: 'its events belong to several shards' };
  }
  const keys = shardKeys({ prefix, shard });
  const reply = await script.run(
    redis,
    [keys.events, keys.retried(letter.shard, letter.id)],
    [MARK_TTL_MS, ...values],
  );
  const [outcome, entryId] = reply as ['appended' | 'repeated', string];
  await dropDeadLetter(redis, prefix, letter);
  return { outcome, shard, entryId };
}

const UNREADABLE: Fault = {
  reason: 'invalid_field',
  detail: 'fields: expected a JSON object of texts and numbers; got something else',
};

/**
 * The original fields of the entry; an event of a batch becomes its own entry. `undefined` if they are unreadable: any
 * client can write to the dead-letter stream.
 */
function toEntryFields({ index, fields }: StoredDeadLetter): string[] | undefined {
  const record = parseObject(fields);
  if (record === undefined) return undefined;
  if (index !== undefined) return ['events', `[${fields}]`];
  const values = Object.entries(record).flat();
  return values.every((value) => typeof value === 'string' || typeof value === 'number')
    ? values.map(String)
    : undefined;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

type Fault = Pick<DeadLetter, 'reason' | 'detail'>;

function decodeAll(values: readonly string[]): { events: Event[]; fault: Fault | undefined } {
  const events: Event[] = [];
  let fault: Fault | undefined;
  if (values.length > MOST_VALUES) {
    fault = {
      reason: 'too_large',
      detail: `expected at most ${MOST_VALUES / 2} fields; got ${values.length / 2}`,
    };
    return { events, fault };
  }
  // As if there were one shard: its shard is determined afterwards.
  decodeEntry(
    values,
    { shard: 0, shards: 1, upcasters: noUpcasters },
    {
      event: (event) => void events.push(event),
      deadLetter({ reason, detail }) {
        fault ??= { reason, detail };
      },
    },
  );
  return { events, fault };
}
