import type { StoredEntries } from '@streamfold/archive';
import type { PageFold } from '../fold/fold-page.ts';

/** The log of a shard, page by page in the order of IDs, as `readStoredLog` of the archive returns it. */
export type LogPages = AsyncIterable<StoredEntries>;

/** A position in the log of a shard, up to which it is folded. */
export interface LogCursor {
  /** The time of the next entry, ms; `undefined` at the end of the log. */
  peekMs(): Promise<number | undefined>;
  /** Folds the entries up to `untilMs`, inclusive, but at most `count`; true if none is left up to then. */
  fold(until: { untilMs: number; count: number }): Promise<boolean>;
  /** Stops reading. */
  close(): Promise<void>;
}

/** At the first entry of the log, which `fold` folds. One page is in memory. */
export function createLogCursor(pages: LogPages, fold: PageFold): LogCursor {
  const iterator = pages[Symbol.asyncIterator]();
  /** False at the end of the log. */
  const openPage = async (): Promise<boolean> => {
    while (!fold.hasNext) {
      const next = await iterator.next();
      if (next.done === true) return false;
      fold.open(next.value);
    }
    return true;
  };
  return {
    peekMs: async () => ((await openPage()) ? fold.nextMs : undefined),
    async fold({ untilMs, count }) {
      for (let folded = 0; folded < count; folded++) {
        if (!fold.hasNext && !(await openPage())) return true;
        if (fold.nextMs > untilMs) return true;
        fold.foldNext();
      }
      return false;
    },
    async close() {
      await iterator.return?.();
    },
  };
}
