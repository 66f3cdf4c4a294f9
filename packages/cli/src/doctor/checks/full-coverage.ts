import type { Check } from '../check.ts';
import { judge } from '../finding.ts';
import { isPrimary, readSetting } from '../server-node.ts';

const NAME = 'cluster-require-full-coverage';

/** Of a Cluster: whether the loss of one primary stops the shards of all others. */
export const fullCoverage: Check = {
  name: NAME,
  async run({ redis, nodes }) {
    if (!('nodes' in redis)) return [];
    const { ok, warn } = judge(NAME);
    const primaries = nodes.filter(isPrimary);
    const settings = await Promise.all(primaries.map((node) => readSetting(node, NAME)));
    const strict = primaries.filter((_, at) => settings[at] === 'yes');
    if (settings.includes(undefined) && strict.length === 0)
      return [ok(`cannot be read by this user; if it is yes, the loss of one primary stops all shards`)];
    return strict.length === 0
      ? [ok('no: if a primary is lost, only its shards stand still')]
      : strict.map(({ at }) =>
          warn(`yes${at}: if a primary without a replica is lost, all shards stand still; set it to no`),
        );
  },
};
