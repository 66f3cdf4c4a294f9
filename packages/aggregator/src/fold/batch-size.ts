import { ConnectionError } from '@streamfold/redis';
import type { CommitBounds } from './fold-entries.ts';

/**
 * How much a consumer asks for at once. It begins with one entry, because an entry may hold 1 MiB, and follows the size
 * of the entries it has seen. A request that fails twice may have been too large: for the time that a reply may take,
 * for the memory of this process, or for the largest argument that Redis accepts. The consumer then asks for less, down
 * to one entry, and for a little more with each success. A single failure may be a lost connection; it asks for less
 * only if the error says that the request was too large.
 */
export interface BatchSize {
  /** Entries to ask for in the next read. */
  readonly count: number;
  /** Bounds of the next commit. */
  readonly bounds: CommitBounds;
  /** A read that asked for `asked` entries has returned these. */
  read(asked: number, brought: { readonly entries: number; readonly payloadBytes: number }): void;
  committed(): void;
  failed(error: unknown): void;
  /** Asks for one entry next. */
  startAnew(): void;
}

/** A read asks for at most this multiple of the entries that the previous one returned: larger ones may follow. */
const GROWTH = 4;
/** After a failure, a read asks for the last number of entries divided by this; and growth is slower from then on. */
const SHRINKAGE = 4;
const SLOW_GROWTH = 1.1;
/** After a failure the bounds of a commit are halved; they grow back by a fiftieth with each success. */
const SHARE_AFTER_FAILURE = 0.5;
const SHARE_GROWTH = 1.02;
/** Even the smallest commit takes the beginning of a dead letter. */
const LEAST_FIELDS_CHARACTERS = 2_000;

/** `mostEntries`: a read never asks for more, at the moment when it asks. */
export function createBatchSize(
  largest: CommitBounds,
  mostEntries: () => number = () => largest.entries,
): BatchSize {
  const leastShare = 1 / largest.payloadBytes;
  let count = 1;
  let growth: number = GROWTH;
  let share = 1;
  let failures = 0;
  let bounds = largest;

  const setShare = (next: number): void => {
    share = Math.min(1, Math.max(leastShare, next));
    bounds = share === 1 ? largest : scale(largest, share);
  };

  return {
    get count() {
      return Math.min(count, mostEntries());
    },
    get bounds() {
      return bounds;
    },
    read(asked, { entries, payloadBytes }) {
      if (entries === 0) return;
      const fitting = Math.floor((bounds.payloadBytes * entries) / Math.max(payloadBytes, 1));
      const grown = entries >= asked ? Math.max(asked + 1, Math.floor(asked * growth)) : count;
      count = Math.max(1, Math.min(bounds.entries, fitting, grown));
    },
    committed() {
      failures = 0;
      if (share < 1) setShare(share * SHARE_GROWTH);
    },
    failed(error) {
      failures++;
      if (failures === 1 && !isTooMuch(error)) return;
      count = Math.max(1, Math.floor(count / SHRINKAGE));
      growth = SLOW_GROWTH;
      setShare(share * SHARE_AFTER_FAILURE);
    },
    startAnew() {
      count = 1;
    },
  };
}

/** No reply in time, an abandoned reply, or an argument that Redis does not accept. */
function isTooMuch(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.reason === 'no_reply';
  return error instanceof Error && /invalid bulk length|asked for in smaller numbers/.test(error.message);
}

function scale(largest: CommitBounds, share: number): CommitBounds {
  const part = (bound: number, least = 1): number => Math.max(least, Math.floor(bound * share));
  return {
    entries: part(largest.entries),
    payloadBytes: part(largest.payloadBytes),
    series: part(largest.series),
    deadLetters: part(largest.deadLetters),
    fieldsCharacters: part(largest.fieldsCharacters, LEAST_FIELDS_CHARACTERS),
  };
}
