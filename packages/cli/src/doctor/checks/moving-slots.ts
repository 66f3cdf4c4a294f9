import { listShards, shardKeys, slotOf, type Installation } from '@streamfold/redis';
import type { Check } from '../check.ts';
import { judge } from '../finding.ts';
import { isPrimary, type ServerNode } from '../server-node.ts';

const WHAT = 'slots on the move';

/** Of a Cluster: shards whose slot is being moved, or was left half moved. */
export const movingSlots: Check = {
  name: WHAT,
  async run({ redis, installation, nodes }) {
    if (!('nodes' in redis)) return [];
    const { ok, warn } = judge(WHAT);
    const shardOf = listSlots(installation);
    const moves = (await Promise.all(nodes.filter(isPrimary).map(readMoves))).flat();
    const ours = moves.filter(({ slot }) => shardOf.has(slot));
    if (ours.length === 0) return [ok('the slots of no shard are being moved')];
    return ours.map(({ slot, words }) =>
      warn(
        `slot ${slot} of shard ${shardOf.get(slot)} is ${words}: everything works meanwhile, but more slowly. If nobody moves it now, finish or cancel the move on both nodes (CLUSTER SETSLOT ${slot} NODE or STABLE)`,
      ),
    );
  },
};

function listSlots(installation: Installation): ReadonlyMap<number, number> {
  return new Map(listShards(installation).map((shard) => [slotOf(shardKeys(shard).events), shard.shard]));
}

interface Move {
  readonly slot: number;
  readonly words: string;
}

/** CLUSTER NODES: the line of the node itself ends with `[slot->-id]` for a slot that leaves, `[slot-<-id]` for one that comes. */
async function readMoves({ connection, at }: ServerNode): Promise<Move[]> {
  const lines = String(await connection.call('CLUSTER', 'NODES')).split('\n');
  const own = lines.find((line) => / \S*myself\S* /.test(line)) ?? '';
  return [...own.matchAll(/\[(\d+)-([<>])-[^\]]+\]/g)].map(([, slot, direction]) => ({
    slot: Number(slot),
    words: direction === '>' ? `leaving the node${at}` : `moving to the node${at}`,
  }));
}
