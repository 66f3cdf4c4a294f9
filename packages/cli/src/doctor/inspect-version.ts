import { toError, type RedisConnection } from '@streamfold/redis';
import { judge, type Finding } from './finding.ts';
import { parseInfo, type Info } from './parse-info.ts';

/** Oldest Redis whose streams, scripts and permissions are enough. Valkey began with 7.2. */
const LEAST_MAJOR = 7;

/** Programs that speak as Redis does, by the field of INFO that only they have. */
const OTHER_PRODUCTS = {
  dragonfly_version: 'Dragonfly',
  garnet_version: 'Garnet',
  kvrocks_version: 'Kvrocks',
} as const;

/** Product and version: of the server that gave `info`, or of every node of a Cluster, with its address. */
export async function inspectVersions(redis: RedisConnection, info: Info): Promise<readonly Finding[]> {
  if (!('nodes' in redis)) return [inspectVersion(info)];
  return Promise.all(
    redis.nodes('all').map(async (node) => {
      const at = ` at ${node.options.host}:${node.options.port}`;
      try {
        return inspectVersion(parseInfo(await node.info('server')), at);
      } catch (error) {
        return judge('version').fail(`cannot be read${at}; got ${toError(error).message}`);
      }
    }),
  );
}

function inspectVersion(info: Info, at = ''): Finding {
  const { ok, warn, fail } = judge('version');
  for (const [field, name] of Object.entries(OTHER_PRODUCTS)) {
    const version = info.get(field);
    if (version !== undefined) {
      return warn(`${name} ${version}${at}, which is not tested; Redis 7.0 or newer, or Valkey, is`);
    }
  }
  const valkey = info.get('valkey_version');
  const version = valkey ?? info.get('redis_version') ?? 'unknown';
  const name = valkey === undefined ? 'Redis' : 'Valkey';
  const recent = Number(version.split('.')[0]) >= LEAST_MAJOR;
  return recent
    ? ok(`${name} ${version}${at}`)
    : fail(`${name} ${version}${at}; Redis 7.0 or newer, or Valkey, is needed`);
}
