import { encodeEvent, swarmShard, type EventInput, type InvalidEvent } from '@streamfold/core';

/** An event that is valid, as text, and the shard that it belongs to. */
export interface EncodedEvent {
  readonly ok: true;
  readonly text: string;
  /** What it is remembered by, empty if it has no `id` of its own. */
  readonly member: string;
  readonly shard: number;
}

export function encodeForShard(event: EventInput, shards: number): EncodedEvent | InvalidEvent {
  const encoded = encodeEvent(event);
  if (!encoded.ok) return encoded;
  const { swarm_id, id } = event;
  const swarmId: unknown = swarm_id; // callers without types may hand over a number
  const member = id === undefined ? '' : `${swarm_id} ${id}`;
  return {
    ok: true,
    text: encoded.text,
    member,
    shard: shards === 1 ? 0 : swarmShard(String(swarmId), shards),
  };
}
