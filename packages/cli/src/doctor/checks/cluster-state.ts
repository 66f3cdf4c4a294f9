import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import { parseInfo } from '../parse-info.ts';
import { answers, type ServerNode } from '../server-node.ts';

const SLOTS = 16_384;

/** Of a Cluster: whether every node finds that all slots are served. */
export const clusterState: Check = {
  name: 'cluster',
  async run({ redis, nodes }) {
    if (!('nodes' in redis)) return [];
    const states = await Promise.all(nodes.filter(answers).map(judgeState));
    const bad = states.filter(({ verdict }) => verdict !== 'ok');
    return bad.length > 0 ? bad : [judge('cluster').ok(`all ${states.length} nodes find every slot served`)];
  },
};

async function judgeState({ connection, at }: ServerNode): Promise<Finding> {
  const { ok, warn, fail } = judge('cluster');
  const state = parseInfo(String(await connection.call('CLUSTER', 'INFO')));
  const assigned = Number(state.get('cluster_slots_assigned') ?? 0);
  const served = Number(state.get('cluster_slots_ok') ?? 0);
  if (state.get('cluster_state') !== 'ok')
    return fail(
      `cluster_state ${state.get('cluster_state')}${at}, ${SLOTS - served} of ${SLOTS} slots without a node: start the nodes that are gone, or give their slots to others (redis-cli --cluster fix)`,
    );
  if (assigned < SLOTS || served < SLOTS)
    return warn(
      `${SLOTS - served} of ${SLOTS} slots have no node${at}: shards in them stand still (redis-cli --cluster fix)`,
    );
  return ok('');
}
