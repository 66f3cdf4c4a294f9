import { loadScript, STREAM_LUA, shardKeys, type RedisConnection } from '@streamfold/redis';
import { groupPrefix } from './closed-end.ts';

const script = loadScript(new URL('../lua/trim-stream.lua', import.meta.url), STREAM_LUA);

/** Entries trimmed in one step: some ms of Redis at most, also where nodes are small. */
const STEP_ENTRIES = 10_000;

export interface TrimOptions {
  readonly prefix: string;
  readonly shard: number;
  /** Younger entries stay, ms on the clock of Redis. */
  readonly retentionMs: number;
  /** Trim only what is archived. Without it that still holds where anything was ever archived. */
  readonly onlyArchived: boolean;
  readonly stepEntries?: number;
}

/**
 * EVALSHA trim-stream.lua 2 events archived prefix retention most archived, until nothing is left to trim
 *
 * Trims what every group has acknowledged, is archived, and is older than the retention: the bound is found in the same
 * step as the trimming. Nothing goes where no generation reads the stream. Returns how many entries went.
 */
export async function trimStream(redis: RedisConnection, options: TrimOptions): Promise<number> {
  const { prefix, shard, retentionMs, onlyArchived, stepEntries = STEP_ENTRIES } = options;
  const { events, archived } = shardKeys(prefix, shard);
  let total = 0;
  for (;;) {
    const reply = await script.run(
      redis,
      [events, archived],
      [groupPrefix(prefix), retentionMs, stepEntries, onlyArchived ? '1' : '0'],
    );
    const [trimmed] = reply as [number, string];
    total += trimmed;
    if (trimmed === 0) return total;
  }
}
