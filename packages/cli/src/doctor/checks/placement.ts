import { largestShare, planMoves, readShardNodes, type NodeShards } from '@streamfold/redis';
import type { Check } from '../check.ts';
import { describeMove } from '../describe-move.ts';
import { judge, type Finding } from '../finding.ts';
import { parseInfo } from '../parse-info.ts';

const WHAT = 'shards on nodes';

/**
 * Of a Cluster: whether a node holds more shards than its share. A shard is one slot, and slots fall where they fall: of a few
 * shards, a node may get none. The commands move just those slots.
 */
export const placement: Check = {
  name: WHAT,
  async run({ redis, installation }) {
    if (!('nodes' in redis)) return [];
    const nodes = await readShardNodes(redis, installation);
    const spread = nodes.map(describeNode).join('; ');
    const share = largestShare(nodes);
    if (nodes.every(({ shards }) => shards.length <= share)) return [judge(WHAT).ok(spread)];
    const info = parseInfo(await redis.info('server'));
    const finding: Finding = judge(WHAT).warn(
      `${spread}. Each node would need to hold no more than ${share}: these commands spread the load`,
    );
    return [{ ...finding, commands: planMoves(nodes).flatMap((move) => describeMove(move, info)) }];
  },
};

function describeNode({ node: { host, port }, shards }: NodeShards): string {
  const numbers = shards.map(({ shard }) => shard).join(', ');
  const held = shards.length === 0 ? 'no shard' : `${shards.length === 1 ? 'shard' : 'shards'} ${numbers}`;
  return `${host}:${port} has ${held}`;
}
