import type { DropReason } from './observer.ts';

/** Why `append` gave up. */
export type PublishFailure = DropFailure | 'unconfirmed';

/** Why an event that `append` had accepted was dropped. */
export type DropFailure = Exclude<DropReason, 'invalid' | 'buffer_full'>;

/** How far the events of one call have come. */
export interface Progress {
  /** Events that are not known to be in the stream. */
  readonly undelivered: number;
  /** Events that are in the stream, but not as durable as `durability` asks: a failover or a crash may lose them. */
  readonly unconfirmed: number;
  /** IDs of the entries that hold the events in the stream. */
  readonly entryIds: readonly string[];
}

export const NO_PROGRESS: Progress = { undelivered: 0, unconfirmed: 0, entryIds: [] };

/**
 * Events given to `append` could not be appended, it is unknown whether they were (`fate_unknown`), or they are not as
 * durable as was asked for (`unconfirmed`).
 */
export class PublishError extends Error implements Progress {
  override readonly name = 'PublishError';
  readonly reason: PublishFailure;
  readonly undelivered: number;
  readonly unconfirmed: number;
  readonly entryIds: readonly string[];

  constructor(reason: PublishFailure, { undelivered, unconfirmed, entryIds }: Progress, cause?: Error) {
    const count =
      reason === 'unconfirmed'
        ? `${unconfirmed} of the events appended`
        : `${undelivered} of the events not appended`;
    super(`${count}${EXPLANATIONS[reason]}${cause ? `: ${cause.message}` : ''}`, { cause });
    this.reason = reason;
    this.undelivered = undelivered;
    this.unconfirmed = unconfirmed;
    this.entryIds = entryIds;
  }
}

const EXPLANATIONS: Readonly<Record<PublishFailure, string>> = {
  fate_unknown: ': sent, but no reply came for so long that sending again could append them twice',
  refused: ': Redis refused them',
  timed_out: ': Redis could not be reached in time',
  misconfigured: ': the publisher does not fit what is in Redis',
  closed: ': the publisher was closed',
  unconfirmed: ', but not as durable as was asked for',
};
