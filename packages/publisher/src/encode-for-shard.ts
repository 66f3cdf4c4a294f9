import { encodeEvent, swarmShard, type EventInput, type InvalidEvent } from '@streamfold/core';

/** A valid event, as text, and its shard. */
export interface EncodedEvent {
  readonly ok: true;
  readonly text: string;
  /** The key under which Redis remembers it; empty if the event has no `id`. */
  readonly member: string;
  readonly shard: number;
}

export function encodeForShard(event: EventInput, shards: number): EncodedEvent | InvalidEvent {
  const encoded = encodeEvent(event);
  if (!encoded.ok) return encoded;
  const { swarm_id, id } = event;
  const swarmId: unknown = swarm_id; // callers without types may pass a number
  const member = id === undefined ? '' : `${swarm_id} ${id}`;
  return {
    ok: true,
    text: encoded.text,
    member,
    shard: shards === 1 ? 0 : swarmShard(String(swarmId), shards),
  };
}
