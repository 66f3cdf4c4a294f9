import type { ClusterNode, ShardMove } from '@streamfold/redis';
import type { Info } from './parse-info.ts';

/** Keys that one MIGRATE moves: they are locked meanwhile. */
const KEYS_AT_ONCE = 100;
const MIGRATE_TIMEOUT_MS = 5_000;

/**
 * The commands that move one slot, for a shell. Redis 8.4 and Valkey 9 move a slot in one step; older servers key by key.
 *
 * @param info of a node of the Cluster.
 */
export function describeMove({ slot, from, to }: ShardMove, info: Info): string[] {
  switch (wayToMove(info)) {
    case 'valkey':
      return [`${cli(from)} CLUSTER MIGRATESLOTS SLOTSRANGE ${slot} ${slot} NODE ${to.id}`];
    case 'redis':
      return [`${cli(to)} CLUSTER MIGRATION IMPORT ${slot} ${slot}`];
    case 'keys': {
      const migrate = `MIGRATE ${to.host} ${to.port} "" 0 ${MIGRATE_TIMEOUT_MS} KEYS`;
      const next = `${cli(from)} CLUSTER GETKEYSINSLOT ${slot} ${KEYS_AT_ONCE}`;
      return [
        `${cli(to)} CLUSTER SETSLOT ${slot} IMPORTING ${from.id}`,
        `${cli(from)} CLUSTER SETSLOT ${slot} MIGRATING ${to.id}`,
        `while keys=$(${next}) && [ -n "$keys" ]; do ${cli(from)} ${migrate} $keys; done`,
        `${cli(to)} CLUSTER SETSLOT ${slot} NODE ${to.id}`,
        `${cli(from)} CLUSTER SETSLOT ${slot} NODE ${to.id}`,
      ];
    }
  }
}

function wayToMove(info: Info): 'valkey' | 'redis' | 'keys' {
  const valkey = info.get('valkey_version');
  if (valkey !== undefined) return isAtLeast(valkey, [9, 0]) ? 'valkey' : 'keys';
  return isAtLeast(info.get('redis_version') ?? '', [8, 4]) ? 'redis' : 'keys';
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split('.').map(Number);
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}

function cli({ host, port }: ClusterNode): string {
  return `redis-cli -h ${host} -p ${port}`;
}
