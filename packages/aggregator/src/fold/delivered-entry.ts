import type { EntryId } from '@streamfold/core';

/** An entry that was delivered: `fields` is name, value, name, value …; `undefined` where it was trimmed meanwhile. */
interface DeliveredEntry {
  readonly id: EntryId;
  readonly fields: readonly string[] | undefined;
}

/** Takes entries one after the other, in the order of the stream. Must not fail. */
export type TakeEntry = (entry: DeliveredEntry) => void;
