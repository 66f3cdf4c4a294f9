import { ConfigurationError, isReplyError, type RedisConnection } from '@streamfold/redis';

/** When an event counts as published. By default: once the primary has it in memory. */
export interface Durability {
  /** Replicas that must have it: `WAIT`. With `disk`, they must have it on their disks. Default 0. */
  readonly replicas?: number;
  /** The primary must have it on its disk: `WAITAOF`, of Redis 7.2 and newer, or Valkey. Default false. */
  readonly disk?: boolean;
  /** How long to wait for that, ms. Then the event is reported as unconfirmed. 10 to 600,000; default 2,000. */
  readonly timeoutMs?: number;
}

export type DurabilitySettings = Required<Durability>;

/** What has been reached. */
export interface Reached {
  readonly replicas: number;
  readonly disk: boolean;
}

export function isAsked({ replicas, disk }: DurabilitySettings): boolean {
  return replicas > 0 || disk;
}

export function isReached(asked: DurabilitySettings, reached: Reached): boolean {
  return reached.replicas >= asked.replicas && (reached.disk || !asked.disk);
}

/** What was missing when the time was over or the publisher was closed, in words. */
export function describeMissing(asked: DurabilitySettings, reached: Reached, closed: boolean): string {
  const place = asked.disk ? ' on their disks' : '';
  const missing = [
    ...(reached.replicas < asked.replicas
      ? [`${reached.replicas} of ${asked.replicas} replicas had them${place}`]
      : []),
    ...(asked.disk && !reached.disk ? ['they were not on the disk of the primary'] : []),
  ];
  return `${closed ? 'when the publisher was closed' : `after ${asked.timeoutMs} ms`} ${missing.join(', and ')}`;
}

/**
 * The command that waits for what was written before it, for `ms` at most:
 * WAIT numreplicas ms, or WAITAOF numlocal numreplicas ms.
 */
export function waitCommand({ replicas, disk }: DurabilitySettings, ms: number): [string, ...number[]] {
  return disk ? ['WAITAOF', 1, replicas, ms] : ['WAIT', replicas, ms];
}

/** The reply to that command: a number of replicas, or a pair of numbers. */
export function readReached(reply: unknown): Reached {
  if (!Array.isArray(reply)) return { replicas: Number(reply), disk: false };
  return { replicas: Number(reply[1]), disk: Number(reply[0]) > 0 };
}

/**
 * Checks that this Redis can wait for the disk, if that is asked for.
 *
 * @throws {ConfigurationError} if it has no such command.
 * @throws {Error} if it cannot at the moment, as its append-only file is off.
 */
export async function checkDurability(redis: RedisConnection, asked: DurabilitySettings): Promise<void> {
  if (!asked.disk) return;
  try {
    await redis.call('WAITAOF', 1, 0, 1);
  } catch (error) {
    if (!(error instanceof Error) || !isReplyError(error)) throw error;
    if (/unknown command/i.test(error.message)) {
      throw new ConfigurationError('expected a Redis with WAITAOF (Redis 7.2, Valkey); got an older one', {
        options: ['durability.disk'],
      });
    }
    throw new Error(`durability.disk: expected a Redis that can wait for its disk; got ${error.message}`, {
      cause: error,
    });
  }
}
