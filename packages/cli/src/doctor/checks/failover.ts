import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import { isPrimary, readSetting, type ServerNode } from '../server-node.ts';

/**
 * Of primaries with replicas: writes that one confirms while no replica is connected are lost in a failover, and without
 * `min-replicas-to-write` it keeps confirming them.
 */
export const failover: Check = {
  name: 'failover',
  async run({ nodes }) {
    const primaries = nodes.filter(
      (node) => isPrimary(node) && Number(node.info.get('connected_slaves')) > 0,
    );
    return Promise.all(primaries.map(judgeFailover));
  },
};

async function judgeFailover(node: ServerNode): Promise<Finding> {
  const { ok, warn } = judge('failover');
  const { at } = node;
  const minReplicas = await readSetting(node, 'min-replicas-to-write');
  if (minReplicas === undefined)
    return ok(`min-replicas-to-write cannot be read by this user${at}; set it to 1 or more`);
  return Number(minReplicas) > 0
    ? ok(
        `min-replicas-to-write ${minReplicas}${at}: a primary that lost its replicas stops confirming events`,
      )
    : warn(
        `min-replicas-to-write 0${at}: a primary that lost its replicas keeps confirming events, which a failover then loses; set it to 1 or more`,
      );
}
