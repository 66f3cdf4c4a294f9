import { randomBytes } from 'node:crypto';
import { CoordinationError } from './coordination-error.ts';
import type { FunctionName } from './function-library.ts';
import type { Link } from './link.ts';
import type { CoordinatorSettings } from './options.ts';
import { createRedisClock, type RedisClock } from './redis-clock.ts';
import { createSettledSignals, type SettledSignals } from './settled-signals.ts';

/** One life of a coordinator: its identity, which is refused once the life has ended, and what it has learned. */
export interface Life {
  readonly link: Link;
  readonly settings: CoordinatorSettings;
  /** Its number among the lives of this coordinator, and after a point its random token. */
  readonly id: string;
  /** The first arguments of most functions. */
  readonly self: readonly [swarmId: string, coordinatorId: string, id: string];
  /** Entry of the inbox up to which earlier lives received the signals. */
  readonly delivered: string;
  readonly clock: RedisClock;
  readonly settled: SettledSignals;
  /**
   * Calls a function that takes `self` first.
   *
   * @throws {CoordinationError} `ended` if this life has ended.
   */
  call(name: FunctionName, args?: readonly (string | number)[]): Promise<unknown>;
}

/** `ended` is the reply if the first attempt began a life, its reply was lost, and another process has joined with that id since. */
type StartReply = readonly ['started', id: string, delivered: string] | readonly ['again' | 'ended'];

/** Begins a life of a coordinator, which ends the previous one. */
export async function beginLife(link: Link, settings: CoordinatorSettings): Promise<Life> {
  const { swarmId, coordinatorId, phase, staleAfterMs, deadAfterMs } = settings;
  const args = [swarmId, coordinatorId, phase, staleAfterMs, deadAfterMs, createToken()];
  for (;;) {
    const reply = refuseEnded(await link.call('start-coordinator', args)) as StartReply;
    if (reply[0] !== 'started') continue;
    const [, id, delivered] = reply;
    const self = [swarmId, coordinatorId, id] as const;
    return {
      link,
      settings,
      id,
      self,
      delivered,
      clock: createRedisClock(() => performance.now()),
      settled: createSettledSignals(coordinatorId),
      call: async (name, more = []) => refuseEnded(await link.call(name, [...self, ...more])),
    };
  }
}

/**
 * @returns the reply of a function.
 * @throws {CoordinationError} if the reply is `ended`, as a text or as a list of one.
 */
export function refuseEnded(reply: unknown): unknown {
  const [status] = Array.isArray(reply) && reply.length === 1 ? (reply as readonly unknown[]) : [reply];
  if (status === 'ended') throw endedError();
  return reply;
}

export function endedError(options?: ErrorOptions): CoordinationError {
  return new CoordinationError('ended', 'the life of this coordinator is over', options);
}

/** 128 random bits as 39 digits: for the functions of the earlier version a life is a decimal number. */
function createToken(): string {
  return BigInt(`0x${randomBytes(16).toString('hex')}`)
    .toString()
    .padStart(39, '0');
}
