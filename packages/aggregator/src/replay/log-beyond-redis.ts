import { measureLog, readArchive, type Archive } from '@streamfold/archive';
import type { EntryId } from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';

/** What a rebuild needs of an archive: entries that the stream does not hold any more. */
export interface LogBeyondRedis {
  /**
   * The archived entries of a shard behind `after` and up to `to`, in the order of their IDs, page by page; none of the
   * stream's.
   *
   * @throws {Error} that names the range of IDs, before any entry after it is given, if something is damaged or missing.
   */
  readArchived(
    shard: number,
    range: { readonly after: EntryId | undefined; readonly to: EntryId | undefined },
  ): AsyncIterable<readonly { readonly id: EntryId; readonly fields: readonly string[] }[]>;
  /** Entries that were added to a shard's stream and are neither in it nor in the archive, and those in the archive alone. */
  measure(shard: number): Promise<{ readonly missingEntries: number; readonly archivedEntries: number }>;
}

/** What the archive has. Holes in it are thrown, unless `acceptGaps`: then they are read over. */
export function openLogBeyondRedis(
  redis: RedisConnection,
  { prefix, archive, acceptGaps }: { prefix: string; archive: Archive; acceptGaps: boolean },
): LogBeyondRedis {
  return {
    readArchived(shard, { after, to }) {
      const range = {
        ...(after === undefined ? {} : { after }),
        ...(to === undefined ? {} : { to }),
        ...(acceptGaps ? { onGap: () => undefined } : {}),
      };
      return readArchive(redis, { prefix, shard, archive }, range);
    },
    async measure(shard) {
      const extent = await measureLog(redis, { prefix, shard, archive });
      const missingEntries = extent.gaps.reduce(
        (sum, { entries = 0 }) => sum + entries,
        extent.missingBefore,
      );
      return { missingEntries, archivedEntries: extent.onlyArchivedEntries };
    },
  };
}
