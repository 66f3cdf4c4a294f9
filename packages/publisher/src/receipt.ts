import { PublishError, type PublishFailure } from './publish-error.ts';

/** The result of `append`. */
export interface Appended {
  /** IDs of the entries that hold the events, in the order in which they were appended; several if the
   * events did not fit in one, or belong to several shards. */
  readonly entryIds: readonly string[];
  /** Events left out, because the stream holds an event with their `swarm_id` and `id`. */
  readonly duplicates: number;
}

/** Collects the outcomes of the events of one call of `append`. */
export interface Receipt {
  /** Settles when all events are settled: rejects with a `PublishError` if one was dropped. */
  readonly done: Promise<Appended>;
  appended(shard: number, entryId: string): void;
  duplicated(): void;
  dropped(reason: PublishFailure, error?: Error): void;
  /** Stops waiting: events not yet settled are in flight, and their fate is unknown to the caller. */
  abandon(): void;
}

export function createReceipt(events: number): Receipt {
  /** By shard: entries of two shards may have the same ID. */
  const entries = new Map<string, string>();
  let duplicates = 0;
  let dropped = 0;
  let failure: { reason: PublishFailure; error: Error | undefined } | undefined;
  let open = events;
  let resolve: (appended: Appended) => void;
  let reject: (error: PublishError) => void;
  const done = new Promise<Appended>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  const settleOne = (): void => {
    if (--open > 0) return;
    if (failure === undefined) resolve({ entryIds: [...entries.values()], duplicates });
    else reject(new PublishError(failure.reason, dropped, failure.error));
  };
  if (events === 0) settleOne();
  return {
    done,
    appended(shard, entryId) {
      entries.set(`${shard}/${entryId}`, entryId);
      settleOne();
    },
    duplicated() {
      duplicates += 1;
      settleOne();
    },
    dropped(reason, error) {
      dropped += 1;
      // The unknown fate matters most to a caller that may publish again.
      if (failure === undefined || reason === 'fate_unknown') failure = { reason, error };
      settleOne();
    },
    abandon() {
      if (open > 0) reject(new PublishError('fate_unknown', dropped + open));
    },
  };
}
