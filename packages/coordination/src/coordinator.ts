import { randomBytes } from 'node:crypto';
import { createAckBell } from './ack-bell.ts';
import { CoordinationError } from './coordination-error.ts';
import { startHeartbeat, type Heartbeat, type HeartbeatOptions } from './heartbeat.ts';
import { readInbox } from './inbox.ts';
import { openLink } from './link.ts';
import { onAbort } from './on-abort.ts';
import { checkOptions, checkText, type CoordinatorOptions } from './options.ts';
import { PAYLOAD_BYTES_MOST, sendSignal, type SendOptions } from './send-signal.ts';
import { createRedisClock } from './redis-clock.ts';
import { createSettledSignals } from './settled-signals.ts';
import { ackMessage, earlierAckMessage, type ReceivedSignal, type SentSignal } from './signal.ts';
import { takeOver, type TakenOver } from './take-over.ts';
import { waitForAcks, type WaitOptions, type WaitResult } from './wait-for-acks.ts';

/** What became of an ACK. */
export interface AckOutcome {
  /**
   * - `recorded`: now, for the first time;
   * - `repeated`: it had been recorded before, and was counted then;
   * - `unknown`: the signal is remembered no more;
   * - `not_receiver`: it was not sent to this receiver.
   *
   * Of a life that has ended it is refused, as any operation is.
   */
  readonly status: 'recorded' | 'repeated' | 'unknown' | 'not_receiver';
  /** From the sending of the signal to the recording, on the clock of Redis, ms with three decimals. */
  readonly latencyMs: number | undefined;
}

/**
 * One life of a coordinator. Each operation changes the state and appends its event in one atomic step, on the clock of
 * Redis.
 *
 * ```
 *            joinSwarm                     overdue                    overdue again
 *   absent ───────────▶ started ─ beat ─▶ beating ──────▶ stale ──────────────────▶ dead
 *                          │                ▲               │ beat                    │
 *                          └─ overdue ──▶ stale (missing)   └──▶ beating              ▼
 *                                                                              its work is taken over
 *   any of the living ─ leave ─▶ stopped
 * ```
 *
 * An operation of a life that has ended, or of a coordinator that has left or disconnected, is refused with a
 * `CoordinationError` of reason `ended`. If Redis is away, operations wait for it up to `callTimeoutMs`.
 */
export interface Coordinator {
  readonly swarmId: string;
  readonly coordinatorId: string;
  /**
   * This life: its number among those of this id, ascending, and after a point its random token. Two lives never have the
   * same, also if Redis went back to an older state in between and gives a number again.
   */
  readonly life: string;
  /**
   * Delivers a signal to the inbox of each receiver. Duplicate receivers are one, an empty list is refused. The same `id` and
   * `iteration` again is the same signal: nothing is delivered again.
   */
  sendSignal(to: readonly string[], type: string, options?: SendOptions): Promise<SentSignal>;
  /** Signals as they come, in order, each at least once, until `stop` is aborted. One reader at a time. */
  receiveSignals(stop?: AbortSignal): AsyncGenerator<ReceivedSignal>;
  /** Records the ACK, once, and settles the signal. */
  acknowledgeSignal(signal: ReceivedSignal): Promise<AckOutcome>;
  /** Settles a signal without an ACK: it will not be delivered again. */
  settleSignal(signal: ReceivedSignal): Promise<void>;
  /** Blocks until all receivers have ACKed, the time is up, or it is aborted. */
  waitForAcks(sent: SentSignal, options: WaitOptions): Promise<WaitResult>;
  /** Beats at once and then every `intervalMs`, until it is stopped. */
  startHeartbeat(options: HeartbeatOptions): Heartbeat;
  changePhase(phase: string): Promise<void>;
  /**
   * Records a piece of work that a successor could take over. False if this coordinator has it already. The payload is
   * text of at most 1 MiB.
   */
  openWork(workId: string, payload?: string): Promise<boolean>;
  /** The work is done. False where this coordinator has no such work (any more). */
  finishWork(workId: string): Promise<boolean>;
  /** All work that is open, with whom it was taken over from. */
  listWork(): Promise<readonly Work[]>;
  /** Takes over what a coordinator left whose life has ended: its work, and the signals it has not settled. */
  takeOver(endedId: string): Promise<TakenOver>;
  /** Hands what an ended coordinator left to a successor: the named one, or the first by name of those that are beating. */
  handOver(endedId: string, successor?: string): Promise<TakenOver>;
  /** Ends this life: open waits end as errors, then all connections are closed. Idempotent. */
  leave(reason?: 'completed' | 'failed' | 'terminated'): Promise<void>;
  /** Closes all connections and says nothing: as a crash would. Idempotent. */
  disconnect(): void;
}

/** A piece of work, as its record in Redis has it. */
export interface Work {
  readonly workId: string;
  readonly status: 'open' | 'transferred';
  readonly assignedTo: string;
  readonly payload: string;
  readonly openedAt: number;
  readonly transferredFrom?: string;
  readonly transferredAt?: number;
}

/**
 * Begins a life of a coordinator in a swarm. The same id again, after a restart, begins a new one: the life before it has
 * ended then.
 *
 * @throws {ConfigurationError} if an option is out of its bounds, or Redis holds another number of shards; the reason of
 *   `signal` if that is aborted before it has joined; {CoordinationError} `ended` if another process of that id joined while
 *   this one was still waiting for the reply.
 */
export async function joinSwarm(options: CoordinatorOptions): Promise<Coordinator> {
  const settings = checkOptions(options);
  const { swarmId, coordinatorId, phase, staleAfterMs, deadAfterMs, keyRing, signal } = settings;
  signal.throwIfAborted();
  const link = openLink(settings);
  const bell = createAckBell(link, settings);
  const heartbeats = new Set<Heartbeat>();
  const waits = new Set<Promise<WaitResult>>();
  let left = false;

  const token = createToken();
  const begin = async (): Promise<{ life: string; delivered: string }> => {
    for (;;) {
      const args = [swarmId, coordinatorId, phase, staleAfterMs, deadAfterMs, token];
      const reply = (await link.call('start-coordinator', args)) as StartReply;
      if (reply[0] === 'started') return { life: reply[1], delivered: reply[2] };
      if (reply[0] === 'ended') throw refuseEnded();
    }
  };
  const disconnect = (): void => {
    left = true;
    ignoreAbort();
    for (const heartbeat of heartbeats) heartbeat.stop();
    link.close();
    bell.close();
  };
  const ignoreAbort = onAbort(signal, disconnect);

  let begun: { readonly life: string; readonly delivered: string };
  try {
    begun = await begin();
  } catch (error) {
    disconnect();
    throw error;
  }
  const { life, delivered } = begun;
  const clock = createRedisClock(() => performance.now());
  const settled = createSettledSignals(coordinatorId);
  const self = [swarmId, coordinatorId, life] as const;

  return {
    swarmId,
    coordinatorId,
    life,
    sendSignal: (to, type, sendOptions = {}) =>
      sendSignal({ link, settings, life, clock }, { to, type }, sendOptions),
    receiveSignals: (stop = new AbortController().signal) =>
      readInbox({ link, settings, life, delivered, settled }, stop),
    async acknowledgeSignal({ id, iteration, receiverId, entryId, nonce }) {
      const content = { swarmId, id, iteration, receiverId };
      const message = nonce === undefined ? earlierAckMessage(content) : ackMessage(content, nonce);
      const { keyId, signature } = keyRing.sign(message);
      const args = [
        swarmId,
        receiverId,
        id,
        iteration,
        keyId,
        signature,
        coordinatorId,
        entryId,
        life,
        nonce ?? '',
      ];
      const [status, latencyMs] = (await link.call('acknowledge-signal', args)) as [
        AckOutcome['status'] | 'ended',
        string?,
      ];
      if (status === 'ended') throw refuseEnded();
      return { status, latencyMs: latencyMs === undefined ? undefined : Number(latencyMs) };
    },
    async settleSignal({ entryId }) {
      alive(await link.call('settle-signal', [swarmId, coordinatorId, entryId, '', life]));
    },
    async waitForAcks(sent, waitOptions) {
      const result = waitForAcks({ link, bell, settings, life }, sent, waitOptions);
      waits.add(result);
      try {
        return await result;
      } finally {
        waits.delete(result);
      }
    },
    startHeartbeat(heartbeatOptions) {
      const heartbeat = startHeartbeat({ link, settings, life }, heartbeatOptions);
      heartbeats.add(heartbeat);
      return heartbeat;
    },
    async changePhase(next) {
      alive(await link.call('change-phase', [...self, next]));
    },
    async openWork(workId, payload = '') {
      checkText('payload', payload, PAYLOAD_BYTES_MOST);
      return alive(await link.call('open-work', [...self, workId, payload])) === 'opened';
    },
    async finishWork(workId) {
      return alive(await link.call('finish-work', [...self, workId])) === 'finished';
    },
    async listWork() {
      const flat = (await link.call('list-work', self)) as string[] | 'ended';
      if (flat === 'ended') throw refuseEnded();
      const work: Work[] = [];
      for (let at = 0; at < flat.length; at += 2) {
        work.push({ workId: flat[at] ?? '', ...(JSON.parse(flat[at + 1] ?? '') as Omit<Work, 'workId'>) });
      }
      return work;
    },
    takeOver: (endedId) => takeOver(link, self, { endedId, successor: coordinatorId }),
    handOver: (endedId, successor = '') => takeOver(link, self, { endedId, successor }),
    async leave(reason = 'completed') {
      if (left) return;
      for (const heartbeat of heartbeats) heartbeat.stop();
      try {
        while ((await link.call('stop-coordinator', [...self, reason])) === 'again');
        bell.ringAll();
        await Promise.allSettled(waits);
      } finally {
        disconnect();
      }
    },
    disconnect,
  };
}

/** `ended` comes if the first attempt began a life, its reply was lost, and another process has joined by that id since. */
type StartReply = readonly ['started', life: string, delivered: string] | readonly ['again' | 'ended'];

/** 128 random bits as 39 digits: for the functions of the earlier version a life is a decimal number. */
function createToken(): string {
  return BigInt(`0x${randomBytes(16).toString('hex')}`)
    .toString()
    .padStart(39, '0');
}

function alive(reply: unknown): string {
  if (reply === 'ended') throw refuseEnded();
  return String(reply);
}

function refuseEnded(): CoordinationError {
  return new CoordinationError('ended', 'the life of this coordinator is over');
}
