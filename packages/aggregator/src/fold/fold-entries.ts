import {
  countSeries,
  createEntryFold,
  emptyDelta,
  type DeadLetter,
  type DecodeContext,
  type EntryId,
  type FoldEvent,
} from '@streamfold/core';
import type { FoldedBatch } from '../state/commit-batch.ts';
import type { TakeEntry } from './delivered-entry.ts';

/** Bounds of one commit, so that Redis never stalls for long: by its script, or by the size of its arguments. */
export interface CommitBounds {
  readonly entries: number;
  /** Bytes of the field names and values of its entries. */
  readonly payloadBytes: number;
  /** Series and coordinators in the delta. */
  readonly series: number;
  /** Dead letters; the last entry of a batch can bring 1,000 more. */
  readonly deadLetters: number;
  /** Characters of the fields of one dead letter; of longer ones only the beginning is kept. */
  readonly fieldsCharacters: number;
}

export interface Fold {
  readonly context: DecodeContext;
  readonly foldEvent: FoldEvent;
  readonly bounds: CommitBounds;
}

/** Folds entries one after the other, as they are read. Pure. */
export interface EntriesFold {
  /** Decodes an entry and folds it into the last batch, or into a new one if that has reached a bound of a commit. */
  readonly take: TakeEntry;
  /** The batches, in order. Each holds at least one entry, however large. */
  readonly batches: readonly FoldedBatch[];
  /** Entries taken, and the bytes of all their fields. */
  readonly entries: number;
  readonly payloadBytes: number;
}

/** Nothing folded yet. */
export function createEntriesFold({ context, foldEvent, bounds }: Fold): EntriesFold {
  const batches: OpenBatch[] = [];
  let batch = emptyBatch();
  let entries = 0;
  let bytesTaken = 0;
  const foldEntry = createEntryFold(foldEvent, context, (deadLetter, entryId) => {
    batch.deadLetters.push({ entryId, deadLetter: shorten(deadLetter, bounds.fieldsCharacters) });
  });
  return {
    take({ id, fields, payloadBytes }) {
      if (entries === 0 || hasReached(bounds, batch)) batches.push((batch = emptyBatch()));
      entries++;
      batch.ids.push(id);
      if (fields === undefined) {
        batch.delta.totals.lostEntries++;
        return;
      }
      batch.payloadBytes += payloadBytes;
      bytesTaken += payloadBytes;
      foldEntry(batch.delta, id, fields);
    },
    batches,
    get entries() {
      return entries;
    },
    get payloadBytes() {
      return bytesTaken;
    },
  };
}

interface OpenBatch extends FoldedBatch {
  readonly ids: EntryId[];
  readonly deadLetters: FoldedBatch['deadLetters'][number][];
  payloadBytes: number;
}

function emptyBatch(): OpenBatch {
  return { ids: [], delta: emptyDelta(), deadLetters: [], payloadBytes: 0 };
}

function hasReached(bounds: CommitBounds, { ids, delta, deadLetters, payloadBytes }: OpenBatch): boolean {
  return (
    ids.length >= bounds.entries ||
    payloadBytes >= bounds.payloadBytes ||
    deadLetters.length >= bounds.deadLetters ||
    countSeries(delta) + delta.coordinators.size >= bounds.series
  );
}

const BEGINNING_CHARACTERS = 1_000;

/** The same with only the beginning of its fields, if they are too long for a commit. */
function shorten(deadLetter: DeadLetter, characters: number): DeadLetter {
  const { fields } = deadLetter;
  if (fields.length <= characters) return deadLetter;
  const cut = `fields of ${fields.length} characters that begin: ${fields.slice(0, BEGINNING_CHARACTERS)}`;
  return { ...deadLetter, fields: JSON.stringify({ cut }) };
}
