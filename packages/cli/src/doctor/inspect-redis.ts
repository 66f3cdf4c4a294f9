import { describeStateLoss, readStateLoss } from '@streamfold/aggregator';
import { compareStamps, stampMs } from '@streamfold/core';
import {
  askAll,
  listShards,
  readServerTimeMs,
  replyField,
  shardCountKey,
  shardKeys,
  toError,
  type Installation,
  type RedisConnection,
} from '@streamfold/redis';
import { judge, type Finding } from './finding.ts';
import { inspectPermissions } from './inspect-permissions.ts';
import { inspectPlacement } from './inspect-placement.ts';
import { inspectVersions } from './inspect-version.ts';
import { parseInfo, type Info } from './parse-info.ts';

/** Inspects Redis and changes nothing; `localTimeMs` is the clock of this machine, ms since 1970. One finding per check, in a fixed order; checks that the user may not make say so. */
export async function inspectRedis(
  redis: RedisConnection,
  installation: Installation,
  localTimeMs: () => number,
): Promise<readonly Finding[]> {
  const info = await inspectInfo(redis);
  return [
    ...info,
    ...(await inspectPermissions(redis, installation)),
    await settled('shards', () => inspectShardCount(redis, installation)),
    ...(await inspectPlacement(redis, installation).catch((error: unknown) => [
      judge('shards on nodes').warn(`cannot be read; got ${toError(error).message}`),
    ])),
    await settled('clock', () => inspectClock(redis, localTimeMs)),
    await settled('stream clock', () => inspectStreamClock(redis, installation)),
    ...(await inspectStateLoss(redis, installation)),
  ];
}

async function inspectInfo(redis: RedisConnection): Promise<readonly Finding[]> {
  let info: Info;
  try {
    info = parseInfo(await redis.info());
  } catch (error) {
    const why = toError(error).message;
    const text = `INFO cannot be read, so version, role, persistence and maxmemory-policy are unknown; got ${why}`;
    return [judge('info').warn(text)];
  }
  return [
    ...(await inspectVersions(redis, info)),
    inspectRole(info),
    ...inspectFailover(info, await readSetting(redis, 'min-replicas-to-write')),
    inspectPersistence(info, await readSetting(redis, 'appendfsync'), await readSetting(redis, 'save')),
    inspectEviction(info),
  ];
}

/** The finding, or one that says that the check failed. */
async function settled(what: string, inspect: () => Promise<Finding>): Promise<Finding> {
  try {
    return await inspect();
  } catch (error) {
    const why = toError(error).message;
    return judge(what).fail(`cannot be checked; got ${why}`);
  }
}

/** A finding for each shard that went back within a week; shards that may not be read have another finding. */
async function inspectStateLoss(redis: RedisConnection, installation: Installation): Promise<Finding[]> {
  const losses = await askAll(listShards(installation), (shard) =>
    readStateLoss(redis, shard).catch(() => undefined),
  );
  return losses.flatMap((loss, shard) =>
    loss === undefined ? [] : [judge('state loss').warn(`shard ${shard}: ${describeStateLoss(loss)}`)],
  );
}

async function inspectShardCount(redis: RedisConnection, { prefix, shards }: Installation): Promise<Finding> {
  const { ok, fail } = judge('shards');
  const recorded = await redis.get(shardCountKey(prefix));
  if (recorded === null) return ok(`${shards}, to be recorded at first use`);
  return recorded === String(shards)
    ? ok(`${shards}, as recorded in Redis`)
    : fail(
        `${recorded} are recorded in Redis (${shardCountKey(prefix)}), ${shards} configured: set STREAMFOLD_SHARDS`,
      );
}

/** CONFIG GET name; `undefined` if the user may not run it, as on many hosted servers. */
async function readSetting(redis: RedisConnection, name: string): Promise<string | undefined> {
  try {
    const [, value] = (await redis.config('GET', name)) as string[];
    return value;
  } catch {
    return undefined;
  }
}

function inspectRole(info: Info): Finding {
  const { ok, fail } = judge('role');
  const role = info.get('role') ?? 'unknown';
  const replicas = Number(info.get('connected_slaves') ?? 0);
  if (role !== 'master') {
    return fail(`${role}; writes need the primary: point --redis at it`);
  }
  return replicas > 0
    ? ok(
        `primary with ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}; replication is asynchronous: a failover can lose a tail of the log, of stream and state together`,
      )
    : ok('primary without replicas');
}

/**
 * For a primary with replicas: writes that it confirms while no replica is connected are lost in a failover, and without
 * `min-replicas-to-write` it keeps confirming them.
 */
function inspectFailover(info: Info, minReplicas: string | undefined): readonly Finding[] {
  if (info.get('role') !== 'master' || Number(info.get('connected_slaves') ?? 0) === 0) return [];
  const { ok, warn } = judge('failover');
  if (minReplicas === undefined) {
    return [ok('min-replicas-to-write cannot be read by this user; set it to 1 or more')];
  }
  return Number(minReplicas) > 0
    ? [ok(`min-replicas-to-write ${minReplicas}: a primary that lost its replicas stops confirming events`)]
    : [
        warn(
          'min-replicas-to-write 0: a primary that lost its replicas keeps confirming events, which a failover then loses; set it to 1 or more',
        ),
      ];
}

function inspectPersistence(info: Info, appendfsync: string | undefined, save: string | undefined): Finding {
  const { ok, warn, fail } = judge('persistence');
  if (info.get('aof_enabled') === '1') {
    if (info.get('aof_last_write_status') !== 'ok') {
      return fail('the append-only file cannot be written: check the disk of Redis');
    }
    const fsync = appendfsync ?? 'unknown, as this user may not read it';
    return appendfsync === 'no'
      ? warn(
          'append-only file with appendfsync no: a crash of the machine loses all that the system had not written to disk; set everysec or always',
        )
      : ok(
          `append-only file, appendfsync ${fsync}${appendfsync === 'everysec' ? ': a crash can lose the last second, of stream and state together' : ''}`,
        );
  }
  if (save === '')
    return warn('no append-only file and no snapshots: a crash loses everything; set appendonly yes');
  const lastSave = Number(info.get('rdb_last_save_time') ?? 0); // or when it started, if it has saved nothing since
  return warn(
    `no append-only file: a crash loses all since the last snapshot of Redis (${new Date(lastSave * 1_000).toISOString()}); set appendonly yes`,
  );
}

function inspectEviction(info: Info): Finding {
  const { ok, warn, fail } = judge('maxmemory-policy');
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  const limit = Number(info.get('maxmemory') ?? 0);
  if (limit === 0) return ok(`${policy}, no maxmemory: nothing is evicted`);
  const share = Math.round((100 * Number(info.get('used_memory') ?? 0)) / limit);
  const used = `${share} % of maxmemory used`;
  if (policy === 'noeviction') return (share >= 80 ? warn : ok)(`noeviction, ${used}`);
  if (policy.startsWith('allkeys')) {
    return fail(`${policy}, ${used}: Redis may evict the stream or the state; set noeviction`);
  }
  return warn(
    `${policy}, ${used}: Redis may forget which ids were published, so that a retry counts twice; set noeviction`,
  );
}

/** A larger difference between the clocks is a warning, ms. */
const TOLERATED_SKEW_MS = 1_000;

async function inspectClock(redis: RedisConnection, localTimeMs: () => number): Promise<Finding> {
  const { ok, warn } = judge('clock');
  const before = localTimeMs();
  const theirs = await readServerTimeMs(redis);
  const skewMs = Math.round(theirs - (before + localTimeMs()) / 2);
  const text = `Redis is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`;
  return Math.abs(skewMs) <= TOLERATED_SKEW_MS
    ? ok(text)
    : warn(
        `${text}: no count depends on it, but times from Prometheus and Redis would differ; synchronise the clocks`,
      );
}

/** Entry IDs never go back: if the clock was set back, they are ahead of it until it has caught up. */
async function inspectStreamClock(redis: RedisConnection, installation: Installation): Promise<Finding> {
  const { ok, warn } = judge('stream clock');
  const nowMs = await readServerTimeMs(redis);
  const ends = await askAll(listShards(installation), (shard) => readLastId(redis, shardKeys(shard).events));
  let aheadMs = 0;
  for (const last of ends)
    if (last !== undefined && compareStamps(last, '0-0') > 0)
      aheadMs = Math.max(aheadMs, stampMs(last) - nowMs);
  return aheadMs <= TOLERATED_SKEW_MS
    ? ok('no entry ID is ahead of the clock of Redis')
    : warn(
        `entry IDs are ${aheadMs} ms ahead of the clock of Redis: it was set back, or entries were added with explicit IDs; ages are too small until it has caught up`,
      );
}

async function readLastId(redis: RedisConnection, events: string): Promise<string | undefined> {
  if ((await redis.exists(events)) === 0) return undefined;
  const info = (await redis.xinfo('STREAM', events)) as unknown[];
  return String(replyField(info, 'last-generated-id'));
}
