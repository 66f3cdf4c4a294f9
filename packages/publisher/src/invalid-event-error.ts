import type { InvalidEvent } from '@streamfold/core';

/** An event that does not follow the contract. None of the events of the same call has been appended. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
  /** The reason, as in the dead letters of an aggregator. */
  readonly reason: InvalidEvent['reason'];
  /** The field that is missing or invalid. */
  readonly field: string;
  /** What was expected and what arrived. */
  readonly detail: string;
  /** Index of the event among those of the call, from 0. */
  readonly index: number;

  constructor(index: number, invalid: InvalidEvent) {
    super(`event ${index}: ${invalid.reason}: ${invalid.detail}`);
    this.reason = invalid.reason;
    this.field = invalid.field;
    this.detail = invalid.detail;
    this.index = index;
  }
}
