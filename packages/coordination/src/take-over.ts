import { CoordinationError } from './coordination-error.ts';
import type { Life } from './life.ts';

/** The result of a hand-over to a successor. */
export interface TakenOver {
  readonly successor: string;
  /** Pieces of work. */
  readonly work: number;
  /** Unsettled signals; they are now in the inbox of the successor. */
  readonly signals: number;
}

/** Items moved by one step: about 5 ms of Redis. */
const STEP_ITEMS = 1_000;

/**
 * Hands the work and signals of an ended coordinator to a successor. Up to 1,000 items are one atomic step; more take
 * several, between which each item belongs to one of the two.
 *
 * @throws {CoordinationError} `ended` if the life of the caller is over; `invalid` if the coordinator has not ended or never
 *   joined, or no successor is alive.
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
