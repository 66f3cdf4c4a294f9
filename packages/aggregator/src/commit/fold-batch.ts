import {
  countSeries,
  decodeEntry,
  emptyDelta,
  type DeadLetter,
  type DecodeContext,
  type Delta,
  type EntryId,
  type FoldEvent,
} from '@streamfold/core';
import type { DeliveredEntry } from '../read/delivered-entry.ts';

/** Entries and all that they add: what one commit makes true. */
export interface FoldedBatch {
  readonly ids: readonly EntryId[];
  readonly delta: Delta;
  readonly deadLetters: readonly { readonly entryId: EntryId; readonly deadLetter: DeadLetter }[];
}

/** Bounds of one commit, so that Redis never stalls for long: by its script, or by the size of its arguments. */
export interface CommitBounds {
  readonly entries: number;
  /** Characters of field names and values read; dead letters are written back in full. */
  readonly characters: number;
  /** Series and coordinators in the delta. */
  readonly series: number;
}

export interface Fold {
  readonly context: DecodeContext;
  readonly foldEvent: FoldEvent;
  readonly bounds: CommitBounds;
}

/**
 * Decodes and folds entries, in the order given, from `entries[from]` on until a bound of a commit is reached. Takes at
 * least one entry, however large. Pure.
 */
export function foldBatch(entries: readonly DeliveredEntry[], from: number, fold: Fold): FoldedBatch {
  const { context, foldEvent, bounds } = fold;
  const ids: EntryId[] = [];
  const delta = emptyDelta();
  const deadLetters: FoldedBatch['deadLetters'][number][] = [];
  let characters = 0;
  let entryId: EntryId = '';
  const sink = {
    event: (event: Parameters<FoldEvent>[1], index: number) => foldEvent(delta, event, entryId, index),
    deadLetter(deadLetter: DeadLetter) {
      deadLetters.push({ entryId, deadLetter });
      const counts = delta.totals.deadLetters;
      counts.set(deadLetter.reason, (counts.get(deadLetter.reason) ?? 0) + 1);
    },
  };
  for (let at = from; at < entries.length; at++) {
    const entry = entries[at];
    if (entry === undefined || (ids.length > 0 && isFull(ids, delta, characters, bounds))) break;
    entryId = entry.id;
    ids.push(entryId);
    if (entry.fields === undefined) delta.totals.lostEntries++;
    else decodeEntry(entry.fields, context, sink);
    for (const text of entry.fields ?? []) characters += text.length;
  }
  delta.totals.entries = ids.length - delta.totals.lostEntries;
  return { ids, delta, deadLetters };
}

function isFull(ids: readonly EntryId[], delta: Delta, characters: number, bounds: CommitBounds): boolean {
  return (
    ids.length >= bounds.entries ||
    characters >= bounds.characters ||
    countSeries(delta) + delta.coordinators.size >= bounds.series
  );
}
