import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { loadAgeScript } from './age-script.ts';
import { groupPrefix } from './closed-end.ts';
import { markAges } from './mark-ages.ts';

const script = loadAgeScript(new URL('../lua/trim-stream.lua', import.meta.url));

/** Entries trimmed in one step: at most a few ms of Redis, even if nodes are small. */
const STEP_ENTRIES = 10_000;

export interface TrimOptions extends Shard {
  /** Younger entries stay, ms on the clock of Redis. */
  readonly retentionMs: number;
  /** Trim only what is archived. Without it that still holds if anything was ever archived. */
  readonly onlyArchived: boolean;
  readonly stepEntries?: number;
}

/**
 * EVALSHA trim-stream.lua 3 events archived ages prefix retention most archived, until nothing is left to trim
 *
 * Trims entries that every group has acknowledged, that are archived, and that are older than the retention: the bound is
 * found in the same step as the trimming. Nothing is trimmed if no generation reads the stream. Returns the number of
 * entries trimmed.
 */
export async function trimStream(redis: RedisConnection, options: TrimOptions): Promise<number> {
  const { retentionMs, onlyArchived, stepEntries = STEP_ENTRIES } = options;
  const { events, archived, ages } = shardKeys(options);
  await markAges(redis, options);
  let total = 0;
  for (;;) {
    const reply = await script.run(
      redis,
      [events, archived, ages],
      [groupPrefix(options), retentionMs, stepEntries, onlyArchived ? '1' : '0'],
    );
    const [trimmed] = reply as [number, string];
    total += trimmed;
    if (trimmed === 0) return total;
  }
}
