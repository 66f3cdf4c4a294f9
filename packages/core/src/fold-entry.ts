import { decodeEntry, type DeadLetter, type DecodeContext, type EntrySink } from './decode-entry.ts';
import { emptyDelta, type Delta } from './delta.ts';
import type { EntryId } from './entry-id.ts';
import type { FoldEvent } from './fold.ts';

/**
 * Decodes an entry and folds it into a delta, which the caller owns and which is changed: its events, and the totals of
 * entries, events and dead letters. Total: no entry can make it fail. Entries must arrive in the order of the stream.
 */
export type FoldEntry = (delta: Delta, entryId: EntryId, fields: readonly string[]) => void;

/** `onDeadLetter` is called for each event that cannot be decoded, after it was counted. */
export function createEntryFold(
  foldEvent: FoldEvent,
  context: DecodeContext,
  onDeadLetter?: (deadLetter: DeadLetter, entryId: EntryId) => void,
): FoldEntry {
  let delta = emptyDelta();
  let entryId: EntryId = '';
  const sink: EntrySink = {
    event: (event, index) => foldEvent(delta, event, entryId, index),
    deadLetter(deadLetter) {
      const counts = delta.totals.deadLetters;
      counts.set(deadLetter.reason, (counts.get(deadLetter.reason) ?? 0) + 1);
      onDeadLetter?.(deadLetter, entryId);
    },
  };
  return (into, id, fields) => {
    delta = into;
    entryId = id;
    delta.totals.entries++;
    decodeEntry(fields, context, sink);
  };
}
