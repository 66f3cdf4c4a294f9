import type { EntryId } from '@streamfold/core';

/** An entry that was delivered: `fields` is name, value, name, value …; `undefined` if it was trimmed meanwhile. */
export interface DeliveredEntry {
  readonly id: EntryId;
  readonly fields: readonly string[] | undefined;
  /** Bytes of all names and values in the stream. */
  readonly payloadBytes: number;
}

/** Takes entries one after the other, in the order of the stream. Must not fail. */
export type TakeEntry = (entry: DeliveredEntry) => void;

/** An entry that the client, or the archive, has read. */
export function describeDelivered(id: EntryId, fields: readonly string[] | undefined): DeliveredEntry {
  let payloadBytes = 0;
  for (const text of fields ?? []) payloadBytes += Buffer.byteLength(text);
  return { id, fields, payloadBytes };
}
