import { CoordinationError } from './coordination-error.ts';
import type { Life } from './life.ts';

/** What was handed to a successor. */
export interface TakenOver {
  readonly successor: string;
  /** Pieces of work. */
  readonly work: number;
  /** Signals that were not settled; they are in the successor's inbox now. */
  readonly signals: number;
}

/** Items moved by one step: some 5 ms of Redis. */
const STEP_ITEMS = 1_000;

/**
 * Hands what an ended coordinator left to a successor. Up to 1,000 items are one atomic step; more are several, between
 * which each item is with one of the two.
 *
 * @throws {CoordinationError} `ended` where the life of the caller is over; `invalid` where the coordinator has not ended
 *   or never joined, or there is no successor alive.
 */
export async function takeOver(
  life: Life,
  { endedId, successor }: { readonly endedId: string; readonly successor: string },
): Promise<TakenOver> {
  let elected = successor;
  let work = 0;
  let signals = 0;
  for (;;) {
    const reply = (await life.call('take-over', [endedId, elected, STEP_ITEMS])) as
      readonly ['moved', string, number, number, number] | readonly [Refusal];
    if (reply[0] !== 'moved') throw refuse(reply[0], endedId, elected);
    const [, chosen, movedWork, movedSignals, more] = reply;
    elected = chosen;
    work += movedWork;
    signals += movedSignals;
    if (more === 0) return { successor: chosen, work, signals };
  }
}

type Refusal = 'alive' | 'unknown' | 'no_successor';

function refuse(why: Refusal, endedId: string, successor: string): CoordinationError {
  switch (why) {
    case 'alive':
      return new CoordinationError(
        'invalid',
        `${endedId}: expected a coordinator that has ended; it is alive`,
      );
    case 'unknown':
      return new CoordinationError(
        'invalid',
        `${endedId}: expected a coordinator that has ended; none of that id has joined`,
      );
    case 'no_successor':
      return new CoordinationError(
        'invalid',
        `successor of ${endedId}: expected one that is alive; got ${successor || 'none'}`,
      );
  }
}
