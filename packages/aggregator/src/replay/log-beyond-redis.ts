import {
  measureLog,
  readStoredLog,
  type Archive,
  type StoredEntries,
  type StoredPage,
} from '@streamfold/archive';
import type { EntryId } from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';

/** The part of an archive that a rebuild needs: entries that are no longer in the stream. */
export interface LogBeyondRedis {
  /**
   * The archived entries of a shard after `after` and up to `to`, in the order of IDs, page by page; none from the stream.
   *
   * @throws {Error} that names the range of IDs, before any entry after it is returned, if something is damaged or missing.
   */
  readArchived(
    shard: number,
    range: { readonly after: EntryId | undefined; readonly to: EntryId | undefined },
  ): AsyncIterable<StoredEntries>;
  /** The number of entries of a shard that are neither in the stream nor in the archive, and of those only in the archive. */
  measure(shard: number): Promise<{ readonly missingEntries: number; readonly archivedEntries: number }>;
}

/** The content of the archive. Gaps are errors, unless `acceptGaps`: then they are skipped. */
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
      return onlyArchived(readStoredLog(redis, { prefix, shard, archive }, range));
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

async function* onlyArchived(pages: AsyncIterable<StoredPage>): AsyncGenerator<StoredPage> {
  for await (const page of pages) {
    if (page.source === 'stream') return;
    yield page;
  }
}
