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
  retried(from: number, id: string): string;
}

/** The keys of coordination on one shard that are used outside of its functions. */
export interface CoordinationKeys {
  /** Coordinators by the time at which their last life ended; a sorted set. */
  readonly ended: string;
  /** The last step of the monitors of the shard; a hash. */
  readonly monitor: string;
  /** Malformed records that monitors have set aside; a hash. */
  readonly setAside: string;
  /** The record of a coordinator; a hash. */
  coordinator(swarmId: string, id: string): string;
  /** The signals that a coordinator has to settle; a stream. */
  inbox(swarmId: string, id: string): string;
  /** Wakes the waits of a coordinator; a stream. */
  bell(swarmId: string, id: string): string;
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

/** Keys of coordination on a shard. */
export function coordinationKeys(shard: Shard): CoordinationKeys {
  const base = keyBase(shard);
  return {
    ended: `${base}:ended`,
    monitor: `${base}:monitor`,
    setAside: `${base}:set-aside`,
    coordinator: (swarmId, id) => `${base}:coordinator:${swarmId}|${id}`,
    inbox: (swarmId, id) => `${base}:inbox:${swarmId}|${id}`,
    bell: (swarmId, id) => `${base}:bell:${swarmId}|${id}`,
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
