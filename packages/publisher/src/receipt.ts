import { PublishError, type DropFailure, type PublishFailure } from './publish-error.ts';

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
  /** An event that is in the stream is not as durable as was asked for. Called before its outcome. */
  unconfirmed(error: Error): void;
  dropped(reason: DropFailure, error?: Error): void;
  /** Stops waiting: events not yet settled are in flight, and their fate is unknown to the caller. */
  abandon(): void;
}

export function createReceipt(events: number): Receipt {
  /** By shard: entries of two shards may have the same ID. */
  const entries = new Map<string, string>();
  let duplicates = 0;
  let dropped = 0;
  let unconfirmed = 0;
  let failure: { reason: PublishFailure; error: Error | undefined } | undefined;
  let open = events;
  let resolve: (appended: Appended) => void;
  let reject: (error: PublishError) => void;
  const done = new Promise<Appended>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  const fail = (reason: PublishFailure, cause?: Error): void => {
    const entryIds = [...entries.values()];
    reject(new PublishError(reason, { undelivered: dropped, unconfirmed, entryIds }, cause));
  };
  const settleOne = (): void => {
    if (--open > 0) return;
    if (failure === undefined) resolve({ entryIds: [...entries.values()], duplicates });
    else fail(failure.reason, failure.error);
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
    unconfirmed(error) {
      unconfirmed += 1;
      failure ??= { reason: 'unconfirmed', error };
    },
    dropped(reason, error) {
      dropped += 1;
      // The unknown fate matters most to a caller that may publish again.
      if (failure === undefined || failure.reason === 'unconfirmed' || reason === 'fate_unknown')
        failure = { reason, error };
      settleOne();
    },
    abandon() {
      if (open === 0) return;
      dropped += open;
      fail('fate_unknown');
    },
  };
}
