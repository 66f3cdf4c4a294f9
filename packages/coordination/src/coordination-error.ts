/**
 * Why an operation was refused:
 * - `ended`: the life of this coordinator is over: given up for dead, stopped, or started anew by another process;
 * - `unknown_signal`: there is no such signal, or it is remembered no more;
 * - `not_sender`: another coordinator sent it;
 * - `wait_exists`: there is an open wait of that id;
 * - `invalid`: an argument is not as it must be.
 */
export type CoordinationFailure = 'ended' | 'unknown_signal' | 'not_sender' | 'wait_exists' | 'invalid';

/** An operation that was refused; nothing was done. */
export class CoordinationError extends Error {
  override readonly name = 'CoordinationError';
  readonly reason: CoordinationFailure;

  constructor(reason: CoordinationFailure, detail: string, options?: ErrorOptions) {
    super(`${reason}: ${detail}`, options);
    this.reason = reason;
  }
}
