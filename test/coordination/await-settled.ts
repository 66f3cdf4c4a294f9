import type { Redis } from 'ioredis';
import { waitUntil } from '../harness/wait-until.ts';

/** Resolves when these coordinators have settled all signals of their inboxes and no wait is open. */
export async function awaitSettled(redis: Redis, swarmId: string, ids: readonly string[]): Promise<void> {
  await waitUntil('the live coordinators to have settled all signals', async () => {
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.xlen(`streamfold:{0}:inbox:${swarmId}|${id}`);
    return ((await pipeline.exec()) ?? []).every(([error, length]) => error === null && length === 0);
  });
  await waitUntil('no wait to be open', async () => (await redis.zcard('streamfold:{0}:deadlines')) === 0);
}
