import { loadScript, shardCountKey, shardKeys, type RedisConnection } from '@streamfold/redis';
import type { Finding, Installation } from './finding.ts';

const script = loadScript(new URL('../../lua/check-permissions.lua', import.meta.url));

/**
 * What the programs run, in scripts or outside them, as they run it: permission is asked of the command and of the keys
 * among its arguments. EVENTS, STATE and SHARDS stand for keys.
 */
// prettier-ignore
const COMMANDS = [
  'XADD EVENTS * field value', 'XREADGROUP GROUP group consumer STREAMS EVENTS >', 'XACK EVENTS group 1-1',
  'XAUTOCLAIM EVENTS group consumer 1 0-0', 'XPENDING EVENTS group', 'XRANGE EVENTS - +', 'XREVRANGE EVENTS + -', 'XLEN EVENTS',
  'XDEL EVENTS 1-1', 'XTRIM EVENTS MINID 1-1', 'XGROUP CREATE EVENTS group 0',
  'XGROUP DELCONSUMER EVENTS group consumer', 'XINFO STREAM EVENTS', 'XINFO GROUPS EVENTS',
  'XINFO CONSUMERS EVENTS group', 'GET STATE', 'SET STATE value', 'DEL STATE', 'UNLINK STATE', 'EXISTS STATE',
  'PEXPIRE STATE 1', 'PERSIST STATE', 'HGET STATE field', 'HMGET STATE field', 'HSET STATE field value',
  'HDEL STATE field', 'HINCRBY STATE field 1', 'ZADD STATE 1 member', 'ZREM STATE member', 'ZMSCORE STATE member',
  'ZRANGEBYSCORE STATE 0 1', 'TIME', 'PING', 'INFO', 'GET SHARDS', 'SET SHARDS 1',
];

/** Whether this user may do what the programs do, on the keys of every kind that they have. */
export async function inspectPermissions(
  redis: RedisConnection,
  { prefix, shards }: Installation,
): Promise<Finding> {
  const what = 'permissions';
  const refused = new Set<string>();
  try {
    for (let shard = 0; shard < shards; shard++) {
      const keys = nameKeys(prefix, shard);
      const commands = COMMANDS.map((command) => substitute(command, keys));
      const reply = (await script.run(redis, [keys.EVENTS], commands)) as number[];
      for (const at of reply) refused.add(describe(COMMANDS[at - 1] ?? '', keys));
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { verdict: 'fail', what, text: `EVALSHA and EVAL on keys ${prefix}:* are needed; got ${why}` };
  }
  return refused.size === 0
    ? { verdict: 'ok', what, text: `all commands that are needed, on keys ${prefix}:*` }
    : { verdict: 'fail', what, text: `not permitted: ${[...refused].join(', ')}` };
}

type Keys = Readonly<Record<'EVENTS' | 'STATE' | 'SHARDS', string>>;

function nameKeys(prefix: string, shard: number): Keys {
  const { events, generation } = shardKeys(prefix, shard);
  return { EVENTS: events, STATE: generation, SHARDS: shardCountKey(prefix) };
}

function substitute(command: string, keys: Keys): string {
  return command.replace(/EVENTS|STATE|SHARDS/, (kind) => keys[kind as keyof Keys]);
}

/** `XADD on streamfold:{0}:events`. */
function describe(command: string, keys: Keys): string {
  const name = /^(XGROUP \w+|XINFO \w+|\w+)/.exec(command)?.[0] ?? command;
  const kind = /EVENTS|STATE|SHARDS/.exec(command)?.[0];
  return kind === undefined ? name : `${name} on ${keys[kind as keyof Keys]}`;
}
