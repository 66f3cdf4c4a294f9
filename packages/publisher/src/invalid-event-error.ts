import type { InvalidEvent } from '@streamfold/core';

/** An event that does not follow the contract. Nothing of what it was handed in with has been appended. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
  /** Why, as an aggregator would say in its dead letters. */
  readonly reason: InvalidEvent['reason'];
  /** The field that is missing or invalid. */
  readonly field: string;
  /** What was expected and what came. */
  readonly detail: string;
  /** Place of the event among those handed in, from 0. */
  readonly index: number;

  constructor(index: number, invalid: InvalidEvent) {
    super(`event ${index}: ${invalid.reason}: ${invalid.detail}`);
    this.reason = invalid.reason;
    this.field = invalid.field;
    this.detail = invalid.detail;
    this.index = index;
  }
}
