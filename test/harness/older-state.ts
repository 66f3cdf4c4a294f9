import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type TestRedis } from './start-redis.ts';
import { waitUntil } from './wait-until.ts';

/** An earlier state of a Redis, to which it can go back any number of times. */
export interface OlderState {
  goBack(): Promise<void>;
  /** Forgets the state. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Keeps a copy of the files of a Redis. To go back it is killed, gets its older files and is started again, as a restore
 * from a backup does: every connection is closed.
 */
export async function copyFiles(server: TestRedis): Promise<OlderState> {
  const { redis, directory } = server;
  const [, appendonly] = (await redis.config('GET', 'appendonly')) as string[];
  const name = appendonly === 'yes' ? 'appendonlydir' : 'dump.rdb';
  if (appendonly !== 'yes') await redis.save();
  const copies = await mkdtemp(join(tmpdir(), 'streamfold-copy-'));
  await cp(join(directory, name), join(copies, name), { recursive: true });
  return {
    async goBack() {
      await server.kill('SIGKILL');
      await rm(join(directory, name), { recursive: true });
      await cp(join(copies, name), join(directory, name), { recursive: true });
      await server.restart();
    },
    stop: () => rm(copies, { recursive: true, force: true }),
  };
}

/**
 * Keeps the state in a replica that stops following. To go back, the Redis follows that replica and is promoted again, as if a
 * failover to a replica with a lost tail were undone: its data is replaced, and connections stay open, apart from those that
 * were blocked in a read. Meanwhile it answers LOADING or READONLY.
 */
export async function keepReplica({ redis, port }: TestRedis): Promise<OlderState> {
  const replica = await startRedis();
  await followUntilEqual(replica.redis, { redis, port });
  await replica.redis.replicaof('NO', 'ONE');
  return {
    async goBack() {
      await followUntilEqual(redis, replica);
      await redis.replicaof('NO', 'ONE');
    },
    stop: () => replica.stop(),
  };
}

async function followUntilEqual(
  follower: TestRedis['redis'],
  { redis, port }: Pick<TestRedis, 'redis' | 'port'>,
): Promise<void> {
  await follower.replicaof('127.0.0.1', port);
  await waitUntil('the replica has all data of its primary', async () => {
    const [ofFollower, ofPrimary] = await Promise.all([readReplication(follower), readReplication(redis)]);
    return (
      ofFollower['master_link_status'] === 'up' &&
      Number(ofFollower['slave_repl_offset']) >= Number(ofPrimary['master_repl_offset'])
    );
  });
}

/** INFO replication; empty while Redis loads the data of the replica. */
async function readReplication(redis: TestRedis['redis']): Promise<Readonly<Record<string, string>>> {
  const text = await redis.info('replication').catch(() => '');
  return Object.fromEntries(text.split('\r\n').map((line) => line.split(':') as [string, string]));
}
