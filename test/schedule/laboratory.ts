import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis, type TestRedis } from '../harness/start-redis.ts';
import { clockObstacle, startSteppedRedis } from '../harness/stepped-redis.ts';

/** One Redis for all schedules of a test file, with control over everything that can go wrong. */
export interface Laboratory {
  /** Inspects Redis from outside, and acts as an operator. */
  readonly admin: Redis;
  /** The connection of the product. */
  readonly product: Redis;
  /** The clock of Redis, ms; it stands between steps. If clocks cannot be set on this machine, it runs, and this is 0. */
  readonly nowMs: number;
  /** Starts again: no keys, all permissions, no cuts, the original clock. */
  reset(): Promise<void>;
  /** Sets the clock of Redis forward or back. Does nothing if clocks cannot be set on this machine. */
  moveClock(ms: number): void;
  /** Saves all keys. */
  keep(): Promise<KeptKeys>;
  /** Restores all keys. Connections, and the memory of programs, stay. */
  goBack(kept: KeptKeys): Promise<void>;
  /** The product may not run this command until `allow`. */
  deny(command: string): Promise<void>;
  allow(): Promise<void>;
  /** Runs `call`, but its program dies after this number of commands: the next one is not sent. */
  cutAfter<T>(commands: number, call: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export type KeptKeys = readonly { readonly key: Buffer; readonly ttlMs: number; readonly dump: Buffer }[];

/** A command was not sent because the program has died. */
class CutError extends Error {
  override readonly name = 'CutError';
}

/** A day in 2033: a stopped clock must not be behind the IDs that a running one has given. */
const FIRST_MS = 2_000_000_000_000;
const USER = 'product';

export async function startLaboratory(): Promise<Laboratory> {
  const options = {
    // Small nodes, so that logs of a few records can be trimmed.
    extraArgs: [
      '--unixsocket',
      'redis.sock',
      '--stream-node-max-entries',
      '2',
      '--enable-debug-command',
      'local',
    ],
  };
  const stepped = clockObstacle === undefined ? await startSteppedRedis(options) : undefined;
  const server: TestRedis = stepped ?? (await startRedis(options));
  const path = join(server.directory, 'redis.sock');
  const admin = new Redis({ path });
  const grant = (...rules: string[]) => admin.call('acl', ['setuser', USER, ...rules]);
  await grant('on', 'nopass', '~*', '&*', '+@all');
  const product = new Redis({ path, username: USER, password: 'any' });
  const cutter = installCutter(product);
  let nowMs = 0;
  const setClock = (ms: number): void => {
    if (stepped === undefined) return;
    nowMs = ms;
    stepped.stopClock(nowMs);
  };
  return {
    admin,
    product,
    get nowMs() {
      return nowMs;
    },
    async reset() {
      setClock(FIRST_MS);
      await admin.flushall();
      await grant('+@all');
    },
    moveClock: (ms) => setClock(nowMs + ms),
    async keep() {
      const keys = await admin.keysBuffer('*');
      return Promise.all(
        keys.map(async (key) => ({
          key,
          ttlMs: Math.max(0, await admin.pttl(key)),
          dump: await admin.dumpBuffer(key),
        })),
      );
    },
    async goBack(kept) {
      const restoring = admin.multi().flushall();
      for (const { key, ttlMs, dump } of kept) restoring.restore(key, ttlMs, dump);
      await restoring.exec();
    },
    deny: async (command) => void (await grant(`-${command}`)),
    allow: async () => void (await grant('+@all')),
    async cutAfter(commands, call) {
      cutter.left = commands;
      try {
        return await call();
      } finally {
        cutter.left = Infinity;
      }
    },
    async stop() {
      admin.disconnect();
      product.disconnect();
      await server.stop();
    },
  };
}

/** Commands inside MULTI are one step and are not separated. */
function installCutter(redis: Redis): { left: number } {
  const cutter = { left: Infinity };
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    if (cutter.left <= 0 && stream === undefined) {
      command.reject(new CutError('the program has died'));
      return command.promise;
    }
    cutter.left -= 1;
    return send(command, stream);
  };
  return cutter;
}
