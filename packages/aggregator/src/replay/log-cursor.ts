import type { LogEntry } from '@streamfold/archive';
import { stampMs } from '@streamfold/core';

/** The log of a shard, page by page in the order of IDs, as `readLog` of the archive returns it. */
export type LogPages = AsyncIterable<{ readonly entries: readonly LogEntry[] }>;

/** A position in the log of a shard. */
export interface LogCursor {
  /** The time of the next entry, ms; `undefined` at the end of the log. */
  peekMs(): Promise<number | undefined>;
  /** Passes on the entries up to `untilMs`, inclusive, but at most `count`; true if none is left up to then. */
  take(until: { untilMs: number; count: number }, take: (entry: LogEntry) => void): Promise<boolean>;
  /** Stops reading. */
  close(): Promise<void>;
}

/** At the first entry. One page is in memory. */
export function createLogCursor(pages: LogPages): LogCursor {
  const iterator = pages[Symbol.asyncIterator]();
  let entries: readonly LogEntry[] = [];
  let at = 0;
  const peek = async (): Promise<LogEntry | undefined> => {
    while (at === entries.length) {
      const next = await iterator.next();
      if (next.done === true) return undefined;
      ({ entries } = next.value);
      at = 0;
    }
    return entries[at];
  };
  return {
    async peekMs() {
      const entry = await peek();
      return entry && stampMs(entry.id);
    },
    async take({ untilMs, count }, take) {
      for (let taken = 0; taken < count; taken++) {
        const entry = at < entries.length ? entries[at] : await peek();
        if (entry === undefined || stampMs(entry.id) > untilMs) return true;
        take(entry);
        at++;
      }
      return false;
    },
    async close() {
      await iterator.return?.();
    },
  };
}
