import { startPrivateSentinel, type PrivateSentinel } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { startRedis, type TestRedis } from './start-redis.ts';
import { waitUntil } from './wait-until.ts';

/** A primary, its replicas, and Sentinels that replace it if most of them find it down. */
export interface TestSentinels {
  /** `redis-sentinel://…`, with all Sentinels and their password. */
  readonly url: string;
  readonly servers: readonly TestRedis[];
  /** The primary that most Sentinels name; undefined while they do not agree. */
  readPrimary(): Promise<TestRedis | undefined>;
  /** Asks a Sentinel for a failover, until it begins one. */
  requestFailover(): Promise<void>;
  /** Resolves when the primary is another one than `old`; returns it. */
  waitForNext(old: TestRedis): Promise<TestRedis>;
  /** Resolves when all other servers are in sync with the primary, and the Sentinels know them. */
  waitUntilWhole(): Promise<void>;
  stop(): Promise<void>;
}

export const SERVERS = 3;
const SENTINELS = 3;
const QUORUM = 2;
const NAME = 'main';
const PASSWORD = 'sentinel-hush';
const DOWN_AFTER_MS = 1_000;

export async function startSentinels(): Promise<TestSentinels> {
  const servers = await Promise.all(
    Array.from({ length: SERVERS }, () => startRedis({ extraArgs: ['--repl-diskless-sync-delay', '0'] })),
  );
  const [first, ...others] = servers;
  if (first === undefined) throw new Error('unreachable');
  for (const { redis } of others) await redis.replicaof('127.0.0.1', first.port);
  const sentinels = await Promise.all(
    Array.from({ length: SENTINELS }, () =>
      startPrivateSentinel(NAME, first.port, [
        `requirepass ${PASSWORD}`,
        `sentinel sentinel-pass ${PASSWORD}`,
        `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${NAME} 5000`,
      ]),
    ),
  );
  const controls = sentinels.map(control);
  const ask = async (...args: string[]): Promise<unknown[]> =>
    Promise.all(controls.map((each) => each.call('SENTINEL', ...args).catch(() => undefined)));

  const readPrimary = async (): Promise<TestRedis | undefined> => {
    const addresses = (await ask('GET-MASTER-ADDR-BY-NAME', NAME)) as ([string, string] | undefined)[];
    return servers.find(
      ({ port }) => addresses.filter((each) => Number(each?.[1]) === port).length >= QUORUM,
    );
  };

  const group: TestSentinels = {
    url: `redis-sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${NAME}?sentinel_password=${PASSWORD}`,
    servers,
    readPrimary,
    async requestFailover() {
      await waitUntil('a failover begins', async () =>
        Promise.any(controls.map((each) => each.call('SENTINEL', 'FAILOVER', NAME))).then(
          () => true,
          () => false, // not enough replicas in sync, or one is under way
        ),
      );
    },
    async waitForNext(old) {
      let next: TestRedis | undefined;
      await waitUntil('the Sentinels name another primary', async () => {
        next = await readPrimary();
        return next !== undefined && next !== old;
      });
      return next ?? old;
    },
    async waitUntilWhole() {
      await waitUntil('all servers are in sync, and known', async () => {
        const primary = await readPrimary();
        if (primary === undefined) return false;
        const info = await primary.redis.info('replication').catch(() => '');
        if (!info.includes('role:master')) return false;
        if ((info.match(/state=online/g) ?? []).length !== SERVERS - 1) return false;
        const replicas = (await ask('REPLICAS', NAME)) as (string[][] | undefined)[];
        return replicas.every((each) => (each ?? []).filter(isInSync).length === SERVERS - 1);
      });
    },
    async stop() {
      for (const each of controls) each.disconnect();
      await Promise.all(sentinels.map((each) => each.stop()));
      await Promise.all(servers.map((each) => each.stop()));
    },
  };
  try {
    await waitUntil('the Sentinels know each other', async () => {
      const known = (await ask('SENTINELS', NAME)) as (unknown[] | undefined)[];
      return known.every((each) => each?.length === SENTINELS - 1);
    });
    await ask('SET', NAME, 'quorum', String(QUORUM));
    await group.waitUntilWhole();
  } catch (error) {
    await group.stop();
    throw error;
  }
  return group;
}

function control({ port }: PrivateSentinel): Redis {
  const redis = new Redis({ port, host: '127.0.0.1', password: PASSWORD, retryStrategy: () => 50 });
  return redis.on('error', () => undefined);
}

/** A replica as SENTINEL REPLICAS lists it: names and values. */
function isInSync(replica: readonly string[]): boolean {
  const read = (name: string): string | undefined => replica[replica.indexOf(name) + 1];
  return read('flags') === 'slave' && read('master-link-status') === 'ok';
}
