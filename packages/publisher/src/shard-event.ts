import { swarmShard, type EncodedEvent } from '@streamfold/core';

/** An event that is valid, as text, and the shard that it belongs to. */
export interface ShardEvent {
  readonly text: string;
  /** What it is remembered by, empty if it has no `id` of its own. */
  readonly member: string;
  readonly shard: number;
}
export function toShard({ text, swarmId, id }: EncodedEvent, shards: number): ShardEvent {
  return { text, member: memberOf(swarmId, id), shard: swarmShard(swarmId, shards) };
}

/** What an event is remembered by, empty if it has no `id` of its own. */
export function memberOf(swarmId: string, id: string | undefined): string {
  return id === undefined ? '' : `${swarmId} ${id}`;
}
