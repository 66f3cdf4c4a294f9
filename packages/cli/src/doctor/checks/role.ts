import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import type { ServerNode } from '../server-node.ts';

/** Writes need a primary. A Cluster has replicas, which no program asks. */
export const role: Check = {
  name: 'role',
  async run({ nodes }) {
    return nodes
      .filter(({ info, at }) => info.has('role') && (at === '' || info.get('role') === 'master'))
      .map(judgeRole);
  },
};

function judgeRole({ info, at }: ServerNode): Finding {
  const { ok, fail } = judge('role');
  const found = info.get('role') ?? 'unknown';
  const replicas = Number(info.get('connected_slaves') ?? 0);
  if (found !== 'master') return fail(`${found}${at}; writes need the primary: point --redis at it`);
  return replicas > 0
    ? ok(
        `primary with ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}${at}; replication is asynchronous: a failover can lose a tail of the log, of stream and state together`,
      )
    : ok(`primary without replicas${at}`);
}
