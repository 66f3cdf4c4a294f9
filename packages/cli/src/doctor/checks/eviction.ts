import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import { answers, type ServerNode } from '../server-node.ts';

/** Whether Redis may evict keys, and how full it is. A replica may become a primary. */
export const eviction: Check = {
  name: 'maxmemory-policy',
  async run({ nodes }) {
    return nodes.filter(answers).map(judgeEviction);
  },
};

function judgeEviction({ info, at }: ServerNode): Finding {
  const { ok, warn, fail } = judge('maxmemory-policy');
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  const limit = Number(info.get('maxmemory') ?? 0);
  if (limit === 0) return ok(`${policy}, no maxmemory${at}: nothing is evicted`);
  const share = Math.round((100 * Number(info.get('used_memory') ?? 0)) / limit);
  const used = `${share} % of maxmemory used${at}`;
  if (policy === 'noeviction') return (share >= 80 ? warn : ok)(`noeviction, ${used}`);
  if (policy.startsWith('allkeys')) {
    return fail(`${policy}, ${used}: Redis may evict the stream or the state; set noeviction`);
  }
  return warn(
    `${policy}, ${used}: Redis may forget which ids were published, so that a retry counts twice; set noeviction`,
  );
}
