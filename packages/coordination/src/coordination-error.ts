/**
 * Why an operation was refused:
 * - `ended`: the life of this coordinator is over: declared dead, stopped, left, disconnected, or started again by
 *   another process;
 * - `unknown_signal`: there is no such signal, or it is no longer remembered;
 * - `not_sender`: another coordinator sent it;
 * - `wait_exists`: the swarm has a wait with that id, which is open or ended less than a minute ago;
 * - `inbox_full`: a receiver has 10,000 signals, or 64 MiB of them, that it has not settled;
 * - `invalid`: an argument is invalid.
 */
export type CoordinationFailure =
  'ended' | 'unknown_signal' | 'not_sender' | 'wait_exists' | 'inbox_full' | 'invalid';

/** An operation was refused; nothing was done. */
export class CoordinationError extends Error {
  override readonly name = 'CoordinationError';
  readonly reason: CoordinationFailure;

  constructor(reason: CoordinationFailure, detail: string, options?: ErrorOptions) {
    super(`${reason}: ${detail}`, options);
    this.reason = reason;
  }
}
