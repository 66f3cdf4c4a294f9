import type { Check } from '../check.ts';
import { judge, type Finding } from '../finding.ts';
import type { Info } from '../parse-info.ts';
import type { ServerNode } from '../server-node.ts';

/** Oldest Redis whose streams, scripts and permissions are enough. Valkey began with 7.2. */
const LEAST_MAJOR = 7;

/** Programs that speak as Redis does, by the field of INFO that only they have. */
const OTHER_PRODUCTS = {
  dragonfly_version: 'Dragonfly',
  garnet_version: 'Garnet',
  kvrocks_version: 'Kvrocks',
  upstash_version: 'Upstash',
} as const;

/** Services that run Redis or Valkey, by the end of the name of the host. INFO of ElastiCache also names it. */
const SERVICES = [
  { host: /\.cache\.amazonaws\.com(?:\.cn)?$/, name: 'Amazon ElastiCache' },
  { host: /\.memorydb\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/, name: 'Amazon MemoryDB' },
  { host: /\.(?:redis-cloud|redislabs)\.com$|\.redislabs\.com$/, name: 'Redis Cloud' },
  { host: /\.redis\.cache\.windows\.net$|\.redis\.azure\.net$/, name: 'Azure' },
] as const;

/** Product and version of the server, or of every node of a Cluster. */
export const product: Check = {
  name: 'version',
  async run({ redis, nodes }) {
    const host = 'nodes' in redis ? undefined : redis.options.host;
    return nodes.map((node) => judgeProduct(node, node.at === '' ? host : readHost(node.at)));
  },
};

function readHost(at: string): string | undefined {
  return /^ at (.+):\d+$/.exec(at)?.[1];
}

/** Redis has no field that names its service: what is not known from INFO is known from the host. */
export function judgeProduct(
  { info, at, failure }: Pick<ServerNode, 'info' | 'at' | 'failure'>,
  host: string | undefined,
): Finding {
  const { ok, warn, fail } = judge('version');
  if (failure !== undefined)
    return at === ''
      ? judge('info').warn(
          `INFO cannot be read, so version, role, persistence and maxmemory-policy are unknown; got ${failure}`,
        )
      : fail(`cannot be read${at}; got ${failure}`);
  for (const [field, name] of Object.entries(OTHER_PRODUCTS)) {
    const version = info.get(field);
    if (version !== undefined)
      return warn(`${name} ${version}${at}, which is not tested; Redis 7.0 or newer, or Valkey, is`);
  }
  if (info.has('mvcc_depth')) {
    const version = info.get('redis_version') ?? '';
    return warn(`KeyDB ${version}${at}, which is not tested; Redis 7.0 or newer, or Valkey, is`);
  }
  const valkey = info.get('valkey_version');
  const version = valkey ?? info.get('redis_version') ?? 'unknown';
  const name = `${valkey === undefined ? 'Redis' : 'Valkey'} ${version}${nameService(info, host)}${at}`;
  const recent = Number(version.split('.')[0]) >= LEAST_MAJOR;
  return recent ? ok(name) : fail(`${name}; Redis 7.0 or newer, or Valkey, is needed`);
}

function nameService(info: Info, host = ''): string {
  const byHost = SERVICES.find((service) => service.host.test(host))?.name;
  const byInfo = info.get('os')?.startsWith('Amazon ') === true ? info.get('os') : undefined;
  const service = byHost ?? byInfo;
  return service === undefined ? '' : ` (${service})`;
}
