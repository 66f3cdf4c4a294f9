import { toError, type Installation, type RedisConnection } from '@streamfold/redis';
import type { Check, Examined } from './check.ts';
import { bulkLength } from './checks/bulk-length.ts';
import { clock } from './checks/clock.ts';
import { clusterState } from './checks/cluster-state.ts';
import { eviction } from './checks/eviction.ts';
import { failover } from './checks/failover.ts';
import { fullCoverage } from './checks/full-coverage.ts';
import { functions } from './checks/functions.ts';
import { movingSlots } from './checks/moving-slots.ts';
import { nodeClocks } from './checks/node-clocks.ts';
import { permissions } from './checks/permissions.ts';
import { persistence } from './checks/persistence.ts';
import { placement } from './checks/placement.ts';
import { product } from './checks/product.ts';
import { role } from './checks/role.ts';
import { shardCount } from './checks/shard-count.ts';
import { stateLoss } from './checks/state-loss.ts';
import { streamClock } from './checks/stream-clock.ts';
import { uses } from './checks/uses.ts';
import { judge, type Finding } from './finding.ts';
import { readNodes } from './server-node.ts';

/** All checks, in the order in which their findings are shown. */
const CHECKS: readonly Check[] = [
  product,
  role,
  failover,
  persistence,
  eviction,
  bulkLength,
  clusterState,
  fullCoverage,
  movingSlots,
  permissions,
  uses,
  functions,
  shardCount,
  placement,
  clock,
  nodeClocks,
  streamClock,
  stateLoss,
];

/** Inspects Redis and changes nothing. A check that fails as a whole is a finding, too. */
export async function runChecks(
  redis: RedisConnection,
  installation: Installation,
  localTimeMs: () => number,
): Promise<readonly Finding[]> {
  const examined: Examined = { redis, installation, localTimeMs, nodes: await readNodes(redis) };
  const findings: Finding[] = [];
  for (const check of CHECKS) findings.push(...(await settle(check, examined)));
  return findings;
}

async function settle(check: Check, examined: Examined): Promise<readonly Finding[]> {
  try {
    return await check.run(examined);
  } catch (error) {
    const { message } = toError(error);
    const finding = judge(check.name);
    return [
      check.needed === true
        ? finding.fail(`cannot be checked; got ${message}`)
        : finding.warn(`cannot be checked; got ${message}`),
    ];
  }
}
