import type { ExecutionContext } from './ava.ts';
import { readStatus } from '@streamfold/aggregator';
import { shardKeys, type RedisConnection } from '@streamfold/redis';
import { compareSamples } from './compare-samples.ts';
import type { Load } from './publish-load.ts';
import { foldReference, parse } from './reference-fold.ts';
import { checkReplicasAgree } from './replicas-agree.ts';
import { scrape, withoutAges } from './scrape.ts';
import { waitUntilFolded } from './wait-until-folded.ts';

export interface Installation {
  readonly redis: RedisConnection;
  /** Of its Redis, if `redis` leads to a Cluster. */
  readonly redisUrl?: string;
  readonly prefix: string;
  readonly shards?: number;
}

/** Resolves once nothing in the streams of all shards is undelivered or pending. @throws after the deadline. */
export async function waitUntilAllFolded({ redis, prefix, shards = 1 }: Installation): Promise<void> {
  for (let shard = 0; shard < shards; shard++) await waitUntilFolded(redis, { prefix, shard });
}

/** A reply of the form name, value, name, value …. */
export function readPairs(reply: unknown): Map<string, unknown> {
  const pairs = new Map<string, unknown>();
  const list = reply as readonly unknown[];
  for (let at = 0; at < list.length; at += 2) pairs.set(String(list[at]), list[at + 1]);
  return pairs;
}

/** An event in a stream, and its position. */
interface PlacedEvent {
  /** Shard, entry ID and, in a batch, index. */
  readonly place: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Checks, once everything is folded, that the streams hold the published events, each once, that the dead letters are the
 * bad ones, each once, that nothing counts as lost, that every replica shows the fold of the streams, and that all replicas agree.
 */
export async function checkFoldedOnce(
  t: ExecutionContext,
  installation: Installation & { readonly load: Load; readonly urls: readonly string[] },
): Promise<void> {
  const { load, urls } = installation;
  await waitUntilAllFolded(installation);
  t.is(await countLost(installation), 0, 'no entry is counted as lost');
  const placed = await readPlaced(installation);
  checkPublishedOnce(t, placed, load);
  const bad = placed.filter(({ fields }) => parse(fields) === undefined).map(({ place }) => place);
  t.true(bad.length > 0, 'some events are bad');
  t.deepEqual((await readDeadPlaces(installation)).toSorted(), bad.toSorted());
  const expected = foldReference(placed);
  t.true(expected.size > 100, 'there is something to compare');
  for (const url of urls) t.deepEqual(compareSamples(withoutAges(await scrape(url)), expected), [], url);
  await checkReplicasAgree(t, installation, urls);
}

function checkPublishedOnce(
  t: ExecutionContext,
  placed: readonly PlacedEvent[],
  { events, doubtful }: Load,
): void {
  const seen = new Set<number>();
  const wrong: string[] = [];
  for (const { place, fields } of placed) {
    const number = Number(fields['n']);
    if (seen.has(number)) wrong.push(`event ${number} is there twice, again at ${place}`);
    seen.add(number);
    if (!equalFields(fields, events[number])) wrong.push(`event ${number} at ${place} is not as published`);
  }
  for (let number = 0; number < events.length; number++) {
    if (!seen.has(number) && !doubtful.has(number)) wrong.push(`event ${number} is missing`);
  }
  t.deepEqual(wrong.slice(0, 10), []);
}

function equalFields(
  fields: Readonly<Record<string, unknown>>,
  published: Readonly<Record<string, string>> | undefined,
): boolean {
  if (published === undefined) return false;
  const names = Object.keys(published);
  return (
    names.length === Object.keys(fields).length &&
    names.every((name) => String(fields[name]) === published[name])
  );
}

/** Number of entries that the state counts as lost. */
export async function countLost({ redis, prefix, shards = 1 }: Installation): Promise<number> {
  let lost = 0;
  for (let shard = 0; shard < shards; shard++) {
    const { generation } = await readStatus(redis, { prefix, shard });
    lost += generation?.lostEntries ?? NaN;
  }
  return lost;
}

/** All events in the streams, shard after shard, in order. */
async function readPlaced({ redis, prefix, shards = 1 }: Installation): Promise<PlacedEvent[]> {
  const placed: PlacedEvent[] = [];
  for (let shard = 0; shard < shards; shard++) {
    for (const [entryId, fields] of await redis.xrange(shardKeys({ prefix, shard }).events, '-', '+')) {
      if (fields[0] !== 'events') {
        placed.push({ place: `${shard} ${entryId}`, fields: Object.fromEntries(readPairs(fields)) });
        continue;
      }
      const events = JSON.parse(fields[1] ?? '') as PlacedEvent['fields'][];
      events.forEach((event, index) => placed.push({ place: `${shard} ${entryId} ${index}`, fields: event }));
    }
  }
  return placed;
}

async function readDeadPlaces({ redis, prefix, shards = 1 }: Installation): Promise<string[]> {
  const places: string[] = [];
  for (let shard = 0; shard < shards; shard++) {
    for (const [, fields] of await redis.xrange(shardKeys({ prefix, shard }).dead, '-', '+')) {
      const letter = readPairs(fields);
      const place = [shard, letter.get('entry_id'), letter.get('index') ?? ''].join(' ');
      places.push(place.trimEnd());
    }
  }
  return places;
}
