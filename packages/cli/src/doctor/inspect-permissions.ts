import {
  askAll,
  coordinationKeys,
  generationKeys,
  generationsKey,
  listShards,
  loadScript,
  shardCountKey,
  shardKeys,
  toError,
  type Installation,
  type RedisConnection,
  type Shard,
} from '@streamfold/redis';
import { judge, type Finding } from './finding.ts';

const script = loadScript(new URL('../../lua/check-permissions.lua', import.meta.url));

/**
 * The commands that the programs run, in scripts or outside them. The permission is checked for the command and for its
 * keys. EVENTS, STATE, COORDINATOR, SHARDS and GENERATIONS stand for keys.
 */
// prettier-ignore
const COMMANDS = [
  'XADD EVENTS * field value', 'XREADGROUP GROUP group consumer STREAMS EVENTS >', 'XACK EVENTS group 1-1',
  'XAUTOCLAIM EVENTS group consumer 1 0-0', 'XCLAIM EVENTS group consumer 0 1-1', 'XSETID EVENTS 1-1', 'XPENDING EVENTS group', 'XRANGE EVENTS - +', 'XREVRANGE EVENTS + -', 'XLEN EVENTS',
  'XDEL EVENTS 1-1', 'XTRIM EVENTS MINID 1-1', 'XGROUP CREATE EVENTS group 0',
  'XGROUP DELCONSUMER EVENTS group consumer', 'XINFO STREAM EVENTS', 'XINFO GROUPS EVENTS',
  'XINFO CONSUMERS EVENTS group', 'GET STATE', 'SET STATE value', 'DEL STATE', 'UNLINK STATE', 'EXISTS STATE',
  'PEXPIRE STATE 1', 'PERSIST STATE', 'HGET STATE field', 'HGETALL STATE', 'HLEN STATE', 'XGROUP DESTROY EVENTS group', 'HMGET STATE field', 'HSET STATE field value',
  'HDEL STATE field', 'HINCRBY STATE field 1', 'ZADD STATE 1 member', 'ZREM STATE member', 'ZMSCORE STATE member',
  'ZRANGEBYSCORE STATE 0 1', 'TIME', 'PING', 'INFO', 'GET SHARDS', 'SET SHARDS 1', 'HGETALL GENERATIONS', 'HSET GENERATIONS field value',
  'HINCRBY GENERATIONS field 1', 'HDEL GENERATIONS field',
];

/** Further commands of coordination and of the monitors in the aggregators; some run only in functions. */
// prettier-ignore
const COMMANDS_OF_COORDINATION = [
  'FCALL streamfold_2_beat 1 EVENTS', 'FUNCTION LOAD REPLACE library', 'GET COORDINATOR', 'SET COORDINATOR value',
  'EXISTS COORDINATOR', 'UNLINK COORDINATOR', 'PEXPIRE COORDINATOR 1', 'PTTL COORDINATOR', 'HGET COORDINATOR field',
  'HGETALL COORDINATOR', 'HLEN COORDINATOR', 'HSET COORDINATOR field value', 'HSETNX COORDINATOR field value',
  'HEXISTS COORDINATOR field', 'HMGET COORDINATOR field', 'HRANDFIELD COORDINATOR 1',
  'HDEL COORDINATOR field', 'HINCRBY COORDINATOR field 1', 'SADD COORDINATOR member', 'SCARD COORDINATOR',
  'SRANDMEMBER COORDINATOR', 'SREM COORDINATOR member', 'ZADD COORDINATOR 1 member', 'ZCARD COORDINATOR',
  'ZRANGE COORDINATOR 0 1', 'ZRANGEBYSCORE COORDINATOR 0 1', 'ZREM COORDINATOR member', 'XADD COORDINATOR * field value',
  'XDEL COORDINATOR 1-1', 'XLEN COORDINATOR', 'XRANGE COORDINATOR - +', 'XREVRANGE COORDINATOR + -',
  'XREAD STREAMS COORDINATOR $', 'XREADGROUP GROUP group consumer STREAMS COORDINATOR >',
  'XGROUP CREATE COORDINATOR group 0', 'XGROUP DESTROY COORDINATOR group', 'XINFO STREAM COORDINATOR',
  'XINFO GROUPS COORDINATOR', 'MEMORY USAGE COORDINATOR',
];

/**
 * Checks that this user may run the commands of the programs on every kind of key. Missing permissions of coordination are
 * only a warning: counting works without them.
 */
export async function inspectPermissions(
  redis: RedisConnection,
  installation: Installation,
): Promise<readonly Finding[]> {
  const { prefix } = installation;
  const { ok, fail } = judge('permissions');
  try {
    const refused = await findRefused(redis, installation, COMMANDS);
    const ofCoordination = await findRefused(redis, installation, COMMANDS_OF_COORDINATION);
    return [
      refused === ''
        ? ok(`all required commands are permitted on keys ${prefix}:*`)
        : fail(`not permitted: ${refused}`),
      ofCoordination === ''
        ? judge('coordination').ok('the functions may be loaded and called')
        : judge('coordination').warn(
            `not permitted: ${ofCoordination}; coordinators and monitors need it, counting does not`,
          ),
    ];
  } catch (error) {
    const why = toError(error).message;
    const text = `expected EVALSHA and EVAL on keys ${prefix}:* to be permitted; got ${why}`;
    return [fail(text)];
  }
}

/** The commands that are not permitted on some shard, in words; empty if all are. */
async function findRefused(
  redis: RedisConnection,
  installation: Installation,
  commands: readonly string[],
): Promise<string> {
  const refused = await askAll(listShards(installation), async (shard) => {
    const keys = nameKeys(shard);
    const asked = commands.map((command) => substitute(command, keys));
    const reply = (await script.run(redis, [keys.EVENTS], asked)) as number[];
    return reply.map((at) => describe(commands[at - 1] ?? '', keys));
  });
  return [...new Set(refused.flat())].join(', ');
}

type Keys = Readonly<Record<'EVENTS' | 'STATE' | 'COORDINATOR' | 'SHARDS' | 'GENERATIONS', string>>;

function nameKeys(shard: Shard): Keys {
  return {
    EVENTS: shardKeys(shard).events,
    STATE: generationKeys(shard, '1-0').head,
    COORDINATOR: coordinationKeys(shard).coordinator('swarm', 'id'),
    SHARDS: shardCountKey(shard.prefix),
    GENERATIONS: generationsKey(shard.prefix),
  };
}

function substitute(command: string, keys: Keys): string {
  return command.replace(/EVENTS|STATE|COORDINATOR|SHARDS|GENERATIONS/, (kind) => keys[kind as keyof Keys]);
}

/** `XADD on streamfold:{0}:events`. */
function describe(command: string, keys: Keys): string {
  const name = /^(XGROUP \w+|XINFO \w+|FUNCTION \w+|\w+)/.exec(command)?.[0] ?? command;
  const kind = /EVENTS|STATE|COORDINATOR|SHARDS|GENERATIONS/.exec(command)?.[0];
  return kind === undefined ? name : `${name} on ${keys[kind as keyof Keys]}`;
}
