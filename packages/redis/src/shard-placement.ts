import type { Cluster } from 'ioredis';
import { askAll } from './ask-all.ts';
import { listShards, type Installation } from './installation.ts';
import { shardKeys } from './keys.ts';

/** A primary of a Cluster. */
export interface ClusterNode {
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

/** A shard: one hash slot, and so always on one node as a whole. */
export interface PlacedShard {
  readonly shard: number;
  readonly slot: number;
}

/** A primary, and the shards whose slots it owns. */
export interface NodeShards {
  readonly node: ClusterNode;
  readonly shards: readonly PlacedShard[];
}

/** One slot to be moved. */
export interface ShardMove extends PlacedShard {
  readonly from: ClusterNode;
  readonly to: ClusterNode;
}

/** The first and the last slot, the primary, its replicas: a part of the reply to CLUSTER SLOTS. */
type SlotRange = [first: number, last: number, primary: [host: string | null, port: number, id: string]];

/**
 * CLUSTER SLOTS, and CLUSTER KEYSLOT for each shard
 *
 * Which node holds which shard: all primaries that own slots, in the order of their slots.
 */
export async function readShardNodes(redis: Cluster, installation: Installation): Promise<NodeShards[]> {
  const ranges = (await redis.call('CLUSTER', 'SLOTS')) as SlotRange[];
  const slots = await askAll(listShards(installation), async (shard) =>
    Number(await redis.call('CLUSTER', 'KEYSLOT', shardKeys(shard).events)),
  );
  const nodes = new Map<string, { readonly node: ClusterNode; readonly shards: PlacedShard[] }>();
  for (const [first, last, [host, port, id]] of ranges.toSorted(([left], [right]) => left - right)) {
    const shards = nodes.get(id)?.shards ?? [];
    nodes.set(id, { node: { id, host: host ?? '', port }, shards });
    for (const [shard, slot] of slots.entries())
      if (slot >= first && slot <= last) shards.push({ shard, slot });
  }
  for (const { shards } of nodes.values()) shards.sort((left, right) => left.shard - right.shard);
  return [...nodes.values()];
}

/** The number of shards that no node needs to exceed: with 8 shards on 3 nodes it is 3. */
export function largestShare(nodes: readonly NodeShards[]): number {
  return Math.ceil(nodes.reduce((sum, { shards }) => sum + shards.length, 0) / nodes.length);
}

/** The fewest moves after which no node holds more than one shard more than another. */
export function planMoves(nodes: readonly NodeShards[]): ShardMove[] {
  const held = nodes
    .map(({ node, shards }) => ({ node, shards: [...shards] }))
    .toSorted((left, right) => right.shards.length - left.shards.length);
  const moves: ShardMove[] = [];
  for (;;) {
    held.sort((left, right) => right.shards.length - left.shards.length);
    const [most, least] = [held[0], held.at(-1)];
    if (most === undefined || least === undefined || most.shards.length - least.shards.length < 2) {
      return moves;
    }
    const moved = most.shards.pop();
    if (moved === undefined) return moves;
    least.shards.push(moved);
    moves.push({ ...moved, from: most.node, to: least.node });
  }
}
