import type { EntryId } from '@streamfold/core';

/** Why a range of the log cannot be read. */
export const LOG_ERROR_REASONS = [
  /** A manifest or its data is not there. */
  'segment_missing',
  /** Data are shorter than their manifest says. */
  'segment_truncated',
  /** Data or a manifest differ from what was written. */
  'segment_corrupt',
  /** A segment does not continue the one before it. */
  'chain_broken',
  /** Entries are no longer in the archive or the stream. */
  'gap',
  /** The archive reaches beyond the end of the stream: Redis has gone back to an older state, or is empty. */
  'stream_behind',
  /** Archive and stream do not continue each other: one of them belongs to another installation, or to a state that was lost. */
  'other_history',
] as const;

export type LogErrorReason = (typeof LOG_ERROR_REASONS)[number];

export interface LogRangeFault {
  readonly reason: LogErrorReason;
  readonly shard: number;
  /** The range that cannot be read begins after this entry … */
  readonly after: EntryId;
  /** … and ends with this one. */
  readonly to: EntryId;
  /** The number of its entries, if that is known. */
  readonly entries?: number | undefined;
  /** What was expected and what was found. */
  readonly detail: string;
}

/** A range of the log that cannot be read. No entry after it was given out. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly reason: LogErrorReason;
  readonly shard: number;
  readonly after: EntryId;
  readonly to: EntryId;
  readonly entries: number | undefined;

  constructor(fault: LogRangeFault, options?: ErrorOptions) {
    const { reason, shard, after, to, entries, detail } = fault;
    super(`log of shard ${shard}, entries behind ${after} to ${to}: ${detail}`, options);
    this.reason = reason;
    this.shard = shard;
    this.after = after;
    this.to = to;
    this.entries = entries;
  }
}

/** Before the first entry that a stream can have. */
export const BEFORE_ALL: EntryId = '0-0';
