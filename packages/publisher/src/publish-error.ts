import type { DropReason } from './observer.ts';

/** Why `append` gave up. */
export type PublishFailure = Exclude<DropReason, 'invalid' | 'buffer_full'>;

/** Events given to `append` could not be appended, or it is unknown whether they were (`fate_unknown`). */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly reason: PublishFailure;
  /** Events of this call that are not known to be in the stream. */
  readonly undelivered: number;

  constructor(reason: PublishFailure, undelivered: number, cause?: Error) {
    super(
      `${undelivered} of the events not appended: ${EXPLANATIONS[reason]}${cause ? `: ${cause.message}` : ''}`,
      {
        cause,
      },
    );
    this.reason = reason;
    this.undelivered = undelivered;
  }
}

const EXPLANATIONS: Readonly<Record<PublishFailure, string>> = {
  fate_unknown: 'sent, but no reply came for so long that sending again could append them twice',
  refused: 'Redis refused them',
  timed_out: 'Redis could not be reached in time',
  misconfigured: 'the publisher does not fit what is in Redis',
  closed: 'the publisher was closed',
};
