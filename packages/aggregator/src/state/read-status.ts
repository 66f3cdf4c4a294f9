import { readArchived, readArchiveStop, type Archived, type ArchiveStop } from '@streamfold/archive';
import { countSeries, readCoordinator, type Coordinator } from '@streamfold/core';
import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { findGeneration } from './generation.ts';
import { measureLag, type Lag } from './measure-lag.ts';
import { listConsumers, type ConsumerInfo } from './remove-consumers.ts';
import { readHead } from './read-head.ts';
import { readStateAt } from './read-state-at.ts';
import { readStateLoss, type StateLoss } from './state-loss.ts';

/** The status of one shard. */
export interface ShardStatus {
  readonly shard: number;
  readonly stream: string;
  readonly streamEntries: number;
  readonly deadLetters: number;
  /** How far it is archived; `undefined` if nothing ever was. */
  readonly archived: Archived | undefined;
  /** Why it is currently not archived; `undefined` if it is, or nobody has tried. */
  readonly archiveStop: ArchiveStop | undefined;
  /** The last time that Redis lost state here; `undefined` if it has not within seven days. */
  readonly stateLoss: StateLoss | undefined;
  /** `undefined` if no aggregator has folded here yet. */
  readonly generation: GenerationStatus | undefined;
}

export interface GenerationStatus {
  readonly id: string;
  readonly group: string;
  readonly lag: Lag;
  readonly consumers: readonly ConsumerInfo[];
  readonly events: number;
  readonly lostEntries: number;
  readonly series: number;
  readonly coordinators: Readonly<Record<Coordinator['status'], number>>;
  readonly openWaits: number;
  readonly deltaLogRecords: number;
}

/** Reads the status of one shard; changes nothing. Costs the reading of a snapshot and the deltas after it. */
export async function readStatus(redis: RedisConnection, shard: Shard): Promise<ShardStatus> {
  const keys = shardKeys(shard);
  const generation = await findGeneration(redis, shard);
  const status = {
    shard: shard.shard,
    stream: keys.events,
    streamEntries: await redis.xlen(keys.events),
    deadLetters: await redis.xlen(keys.dead),
    archived: await readArchived(redis, shard),
    archiveStop: await readArchiveStop(redis, shard),
    stateLoss: await readStateLoss(redis, shard),
  };
  if (generation === undefined) return { ...status, generation: undefined };
  const lag = await measureLag(redis, generation);
  const consumers = await listConsumers(redis, generation);
  const state = await readStateAt(redis, generation.keys, (await readHead(redis, generation.keys)).position);
  if (state === undefined)
    throw new Error(`delta log ${generation.keys.deltas}: it was trimmed meanwhile; try again`);
  const coordinators = { active: 0, blocked: 0, stale: 0 };
  let openWaits = 0;
  for (const registers of state.coordinators.values()) {
    const coordinator = readCoordinator(registers);
    if (coordinator === undefined) continue;
    coordinators[coordinator.status]++;
    openWaits += coordinator.openWaits;
  }
  return {
    ...status,
    generation: {
      id: generation.id,
      group: generation.keys.group,
      lag,
      consumers,
      events: state.totals.events,
      lostEntries: state.totals.lostEntries,
      series: countSeries(state),
      coordinators,
      openWaits,
      deltaLogRecords: await redis.xlen(generation.keys.deltas),
    },
  };
}
