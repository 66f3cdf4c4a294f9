import type { Shard } from './installation.ts';

/** The keys of one shard that publishers and operators use: public, see the contract of the stream. */
export interface ShardKeys {
  /** The stream of events. */
  readonly events: string;
  /** The dead-letter stream. */
  readonly dead: string;
  /** Publishers' ids of recent events; a sorted set by Redis time. */
  readonly publishedIds: string;
  /** How far the shard is archived; a hash with `last_id`, `sequence`, `position`. */
  readonly archived: string;
  /** Which entry was the last one at what time, while IDs run ahead of the clock; a sorted set of IDs by Redis time. */
  readonly ages: string;
  /** Held by the aggregator that archives or trims; a string that expires when it is due again. */
  readonly archiver: string;
  /** Which generation was live on the shard last (`live`), and which ones were dropped (`<id>`: `dropped`); a hash. */
  readonly marks: string;
  /** The last time that Redis went back to an earlier state: a hash with `at_ms`, `entries`, `left_entries` that expires. */
  readonly stateLoss: string;
  /** The last batch of a publisher, for its retries; a string that expires. */
  publisher(id: string): string;
  /** The entry that a retry has appended for the dead letter `id` of shard `from`; a string that expires. */
  retried(from: number | string, id: string): string;
}

/** The keys of coordination on one shard. Its functions touch only keys that their callers name here. */
export interface CoordinationKeys {
  /** Living coordinators by the time at which they are overdue; a sorted set. */
  readonly heartbeats: string;
  /** Waits and signals by the time at which they are overdue; a sorted set. */
  readonly deadlines: string;
  /** Coordinators by the time at which their last life ended; a sorted set. */
  readonly ended: string;
  /** The highest life of a coordinator that was cleaned up; a number. */
  readonly lives: string;
  /** Inboxes that are nearly full, by percent; a sorted set. */
  readonly nearBound: string;
  /** The last step of the monitors of the shard; a hash. */
  readonly monitor: string;
  /** Malformed records that monitors have set aside; a hash. */
  readonly setAside: string;
  /** The record of a coordinator; a hash. */
  coordinator(swarmId: string, id: string): string;
  /** The signals that a coordinator has to settle; a stream. */
  inbox(swarmId: string, id: string): string;
  /** Nonces of signed signals that a coordinator has settled recently; a sorted set that expires. */
  settled(swarmId: string, id: string): string;
  /** Wakes the waits of a coordinator; a stream. */
  bell(swarmId: string, id: string): string;
  /** The open waits of a coordinator; a set. */
  waits(swarmId: string, id: string): string;
  /** The open work of a coordinator; a hash. */
  work(swarmId: string, id: string): string;
  /** The record of a wait; a hash. */
  wait(swarmId: string, waitId: string): string;
  /** The record of a signal; a hash that expires. */
  signal(swarmId: string, signalId: string, iteration: string): string;
  /** The ACKs of a signal; a hash that expires. */
  acks(swarmId: string, signalId: string, iteration: string): string;
  /** The key that a function asks for by its part behind the shard. */
  named(name: string): string;
}

/** The keys of one generation on one shard. */
export interface GenerationKeys {
  /** Name of the consumer group on the stream of events. */
  readonly group: string;
  /** The delta log: a stream. */
  readonly deltas: string;
  /**
   * Where the delta log ends: a hash with `position` (its newest record) and `watermark` (all entries up to it are folded).
   * It is there as long as the generation is.
   */
  readonly head: string;
  /** Which snapshot is current: a hash with `position`, `key`, `parts`, `bytes`. */
  readonly snapshot: string;
  /** Held by the aggregator that is writing a snapshot; a string that expires. */
  readonly snapshotWriter: string;
  /** The parts of the snapshot that `id` names; a hash. */
  snapshotParts(id: string): string;
}

/** The default of `STREAMFOLD_PREFIX`. */
export const DEFAULT_PREFIX = 'streamfold';

/**
 * Keys of a shard. They contain its number in braces, so all of them are in one hash slot: the stream, its pending entries,
 * the state and the dead letters are replicated, persisted and rolled back together.
 */
export function shardKeys(shard: Shard): ShardKeys {
  const base = keyBase(shard);
  return {
    events: `${base}:events`,
    dead: `${base}:dead`,
    publishedIds: `${base}:published-ids`,
    archived: `${base}:archived`,
    ages: `${base}:ages`,
    archiver: `${base}:archiver`,
    marks: `${base}:marks`,
    stateLoss: `${base}:state_loss`,
    publisher: (id) => `${base}:publisher:${id}`,
    retried: (from, id) => `${base}:retried:${from}/${id}`,
  };
}

/**
 * The shard whose stream of events this is.
 *
 * @throws {RangeError} if it is not the key of a stream of events.
 */
export function shardOfEvents(events: string): Shard {
  const [, prefix, shard] = /^(.+):\{(\d+)\}:events$/s.exec(events) ?? [];
  if (prefix === undefined) throw new RangeError(`expected <prefix>:{<shard>}:events; got ${events}`);
  return { prefix, shard: Number(shard) };
}

/** Keys of coordination on a shard. */
export function coordinationKeys(shard: Shard): CoordinationKeys {
  const base = keyBase(shard);
  return {
    heartbeats: `${base}:heartbeats`,
    deadlines: `${base}:deadlines`,
    ended: `${base}:ended`,
    lives: `${base}:lives`,
    nearBound: `${base}:near-bound`,
    monitor: `${base}:monitor`,
    setAside: `${base}:set-aside`,
    coordinator: (swarmId, id) => `${base}:coordinator:${swarmId}|${id}`,
    inbox: (swarmId, id) => `${base}:inbox:${swarmId}|${id}`,
    settled: (swarmId, id) => `${base}:settled:${swarmId}|${id}`,
    bell: (swarmId, id) => `${base}:bell:${swarmId}|${id}`,
    waits: (swarmId, id) => `${base}:waits:${swarmId}|${id}`,
    work: (swarmId, id) => `${base}:work:${swarmId}|${id}`,
    wait: (swarmId, waitId) => `${base}:wait:${swarmId}|${waitId}`,
    signal: (swarmId, id, iteration) => `${base}:signal:${swarmId}|${id}|${iteration}`,
    acks: (swarmId, id, iteration) => `${base}:acks:${swarmId}|${id}|${iteration}`,
    named: (name) => `${base}:${name}`,
  };
}

/** Keys of generation `generation` on a shard. */
export function generationKeys(shard: Shard, generation: string): GenerationKeys {
  const base = `${keyBase(shard)}:g:${generation}`;
  return {
    group: `${shard.prefix}:${generation}`,
    deltas: `${base}:deltas`,
    head: `${base}:head`,
    snapshot: `${base}:snapshot`,
    snapshotWriter: `${base}:snapshot-writer`,
    snapshotParts: (id) => `${base}:snapshot:${id}`,
  };
}

/** Where the number of shards is recorded. */
export function shardCountKey(prefix: string): string {
  return `${prefix}:shards`;
}

/** Which generations there are, which one is live and by which definitions each is folded; a hash, for all shards. */
export function generationsKey(prefix: string): string {
  return `${prefix}:generations`;
}

function keyBase({ prefix, shard }: Shard): string {
  return `${prefix}:{${shard}}`;
}
