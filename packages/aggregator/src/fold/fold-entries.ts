import {
  countSeries,
  decodeEntry,
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
  /** Characters of field names and values read; dead letters are written back in full. */
  readonly characters: number;
  /** Series and coordinators in the delta. */
  readonly series: number;
  /** Dead letters; the last entry of a batch can bring 1,000 more. */
  readonly deadLetters: number;
}

export interface Fold {
  readonly context: DecodeContext;
  readonly foldEvent: FoldEvent;
  readonly bounds: CommitBounds;
}

/** Folds entries one after the other, as they are read. Pure. */
export interface EntriesFold {
  /** Decodes an entry and folds it into the last batch, or into a new one where that has reached a bound of a commit. */
  readonly take: TakeEntry;
  /** What the entries came to, in their order. Each holds at least one, however large. */
  readonly batches: readonly FoldedBatch[];
  /** Entries taken, and the characters of all their fields. */
  readonly entries: number;
  readonly characters: number;
}

/** Nothing folded yet. */
export function createEntriesFold({ context, foldEvent, bounds }: Fold): EntriesFold {
  const batches: OpenBatch[] = [];
  let batch = emptyBatch();
  let entryId: EntryId = '';
  let entries = 0;
  let characters = 0;
  const sink = {
    event: (event: Parameters<FoldEvent>[1], index: number) => foldEvent(batch.delta, event, entryId, index),
    deadLetter(deadLetter: DeadLetter) {
      batch.deadLetters.push({ entryId, deadLetter });
      const counts = batch.delta.totals.deadLetters;
      counts.set(deadLetter.reason, (counts.get(deadLetter.reason) ?? 0) + 1);
    },
  };
  return {
    take({ id, fields }) {
      if (entries === 0 || hasReached(bounds, batch)) batches.push((batch = emptyBatch()));
      entries++;
      entryId = id;
      batch.ids.push(id);
      if (fields === undefined) {
        batch.delta.totals.lostEntries++;
        return;
      }
      batch.delta.totals.entries++;
      let size = 0;
      for (const text of fields) size += text.length;
      batch.characters += size;
      characters += size;
      decodeEntry(fields, context, sink);
    },
    batches,
    get entries() {
      return entries;
    },
    get characters() {
      return characters;
    },
  };
}

interface OpenBatch extends FoldedBatch {
  readonly ids: EntryId[];
  readonly deadLetters: FoldedBatch['deadLetters'][number][];
  characters: number;
}

function emptyBatch(): OpenBatch {
  return { ids: [], delta: emptyDelta(), deadLetters: [], characters: 0 };
}

function hasReached(bounds: CommitBounds, { ids, delta, deadLetters, characters }: OpenBatch): boolean {
  return (
    ids.length >= bounds.entries ||
    characters >= bounds.characters ||
    deadLetters.length >= bounds.deadLetters ||
    countSeries(delta) + delta.coordinators.size >= bounds.series
  );
}
