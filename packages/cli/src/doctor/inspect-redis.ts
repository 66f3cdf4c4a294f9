import { compareStamps, stampMs } from '@streamfold/core';
import {
  askAll,
  type Installation,
  listShards,
  readServerTimeMs,
  type RedisConnection,
  replyField,
  shardCountKey,
  shardKeys,
} from '@streamfold/redis';
import type { Finding } from './finding.ts';
import { inspectPermissions } from './inspect-permissions.ts';

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
    await settled('clock', () => inspectClock(redis, localTimeMs)),
    await settled('stream clock', () => inspectStreamClock(redis, installation)),
  ];
}

async function inspectInfo(redis: RedisConnection): Promise<readonly Finding[]> {
  let info: Info;
  try {
    info = parseInfo(await redis.info());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const text = `INFO cannot be read, so version, role, persistence and maxmemory-policy are unknown; got ${why}`;
    return [{ verdict: 'warn', what: 'info', text }];
  }
  return [
    inspectVersion(info),
    inspectRole(info),
    ...inspectFailover(info, await readSetting(redis, 'min-replicas-to-write')),
    inspectPersistence(info, await readSetting(redis, 'appendfsync')),
    inspectEviction(info),
  ];
}

/** The finding, or one that says that the check failed. */
async function settled(what: string, inspect: () => Promise<Finding>): Promise<Finding> {
  try {
    return await inspect();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { verdict: 'fail', what, text: `cannot be checked; got ${why}` };
  }
}

async function inspectShardCount(redis: RedisConnection, { prefix, shards }: Installation): Promise<Finding> {
  const what = 'shards';
  const recorded = await redis.get(shardCountKey(prefix));
  if (recorded === null) return { verdict: 'ok', what, text: `${shards}, to be recorded at first use` };
  return recorded === String(shards)
    ? { verdict: 'ok', what, text: `${shards}, as recorded in Redis` }
    : {
        verdict: 'fail',
        what,
        text: `${recorded} are recorded in Redis (${shardCountKey(prefix)}), ${shards} configured: set STREAMFOLD_SHARDS`,
      };
}

type Info = ReadonlyMap<string, string>;

function parseInfo(text: string): Info {
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
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

/** Oldest Redis whose streams, scripts and permissions are enough. Valkey began with 7.2. */
const LEAST_MAJOR = 7;

function inspectVersion(info: Info): Finding {
  const valkey = info.get('valkey_version');
  const version = valkey ?? info.get('redis_version') ?? 'unknown';
  const name = valkey === undefined ? 'Redis' : 'Valkey';
  const recent = Number(version.split('.')[0]) >= LEAST_MAJOR;
  return recent
    ? { verdict: 'ok', what: 'version', text: `${name} ${version}` }
    : {
        verdict: 'fail',
        what: 'version',
        text: `${name} ${version}; Redis 7.0 or newer, or Valkey, is needed`,
      };
}

function inspectRole(info: Info): Finding {
  const role = info.get('role') ?? 'unknown';
  const replicas = Number(info.get('connected_slaves') ?? 0);
  if (role !== 'master') {
    return { verdict: 'fail', what: 'role', text: `${role}; writes need the primary: point --redis at it` };
  }
  return replicas > 0
    ? {
        verdict: 'ok',
        what: 'role',
        text: `primary with ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}; replication is asynchronous: a failover can lose a tail of the log, of stream and state together`,
      }
    : { verdict: 'ok', what: 'role', text: 'primary without replicas' };
}

/**
 * For a primary with replicas: writes that it confirms while no replica is connected are lost in a failover, and without
 * `min-replicas-to-write` it keeps confirming them.
 */
function inspectFailover(info: Info, minReplicas: string | undefined): readonly Finding[] {
  if (info.get('role') !== 'master' || Number(info.get('connected_slaves') ?? 0) === 0) return [];
  const what = 'failover';
  if (minReplicas === undefined) {
    return [
      {
        verdict: 'ok',
        what,
        text: 'min-replicas-to-write cannot be read by this user; set it to 1 or more',
      },
    ];
  }
  return Number(minReplicas) > 0
    ? [
        {
          verdict: 'ok',
          what,
          text: `min-replicas-to-write ${minReplicas}: a primary that lost its replicas stops confirming events`,
        },
      ]
    : [
        {
          verdict: 'warn',
          what,
          text: 'min-replicas-to-write 0: a primary that lost its replicas keeps confirming events, which a failover then loses; set it to 1 or more',
        },
      ];
}

function inspectPersistence(info: Info, appendfsync: string | undefined): Finding {
  const what = 'persistence';
  if (info.get('aof_enabled') === '1') {
    if (info.get('aof_last_write_status') !== 'ok') {
      return {
        verdict: 'fail',
        what,
        text: 'the append-only file cannot be written: check the disk of Redis',
      };
    }
    const fsync = appendfsync ?? 'unknown, as this user may not read it';
    return appendfsync === 'no'
      ? {
          verdict: 'warn',
          what,
          text: 'append-only file with appendfsync no: a crash of the machine loses all that the system had not written to disk; set everysec or always',
        }
      : {
          verdict: 'ok',
          what,
          text: `append-only file, appendfsync ${fsync}${appendfsync === 'everysec' ? ': a crash can lose the last second, of stream and state together' : ''}`,
        };
  }
  const lastSave = Number(info.get('rdb_last_save_time') ?? 0);
  return {
    verdict: 'warn',
    what,
    text: `no append-only file: a crash loses all since the last snapshot of Redis (${new Date(lastSave * 1_000).toISOString()}); set appendonly yes`,
  };
}

function inspectEviction(info: Info): Finding {
  const what = 'maxmemory-policy';
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  const limit = Number(info.get('maxmemory') ?? 0);
  if (limit === 0) return { verdict: 'ok', what, text: `${policy}, no maxmemory: nothing is evicted` };
  const share = Math.round((100 * Number(info.get('used_memory') ?? 0)) / limit);
  const used = `${share} % of maxmemory used`;
  if (policy === 'noeviction')
    return { verdict: share >= 80 ? 'warn' : 'ok', what, text: `noeviction, ${used}` };
  if (policy.startsWith('allkeys')) {
    return {
      verdict: 'fail',
      what,
      text: `${policy}, ${used}: Redis may evict the stream or the state; set noeviction`,
    };
  }
  return {
    verdict: 'warn',
    what,
    text: `${policy}, ${used}: Redis may forget which ids were published, so that a retry counts twice; set noeviction`,
  };
}

/** A larger difference between the clocks is a warning, ms. */
const TOLERATED_SKEW_MS = 1_000;

async function inspectClock(redis: RedisConnection, localTimeMs: () => number): Promise<Finding> {
  const what = 'clock';
  const before = localTimeMs();
  const theirs = await readServerTimeMs(redis);
  const skewMs = Math.round(theirs - (before + localTimeMs()) / 2);
  const text = `Redis is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`;
  return Math.abs(skewMs) <= TOLERATED_SKEW_MS
    ? { verdict: 'ok', what, text }
    : {
        verdict: 'warn',
        what,
        text: `${text}: no count depends on it, but times from Prometheus and Redis would differ; synchronise the clocks`,
      };
}

/** Entry IDs never go back: if the clock was set back, they are ahead of it until it has caught up. */
async function inspectStreamClock(redis: RedisConnection, installation: Installation): Promise<Finding> {
  const what = 'stream clock';
  const nowMs = await readServerTimeMs(redis);
  const ends = await askAll(listShards(installation), (shard) => readLastId(redis, shardKeys(shard).events));
  let aheadMs = 0;
  for (const last of ends)
    if (last !== undefined && compareStamps(last, '0-0') > 0)
      aheadMs = Math.max(aheadMs, stampMs(last) - nowMs);
  return aheadMs <= TOLERATED_SKEW_MS
    ? { verdict: 'ok', what, text: 'no entry ID is ahead of the clock of Redis' }
    : {
        verdict: 'warn',
        what,
        text: `entry IDs are ${aheadMs} ms ahead of the clock of Redis: it was set back, or entries were added with explicit IDs; ages are too small until it has caught up`,
      };
}

async function readLastId(redis: RedisConnection, events: string): Promise<string | undefined> {
  if ((await redis.exists(events)) === 0) return undefined;
  const info = (await redis.xinfo('STREAM', events)) as unknown[];
  return String(replyField(info, 'last-generated-id'));
}
