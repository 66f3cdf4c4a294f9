import { checkObject } from '@streamfold/redis';
import { acknowledgeSignal, type AckOutcome } from './acknowledge-signal.ts';
import { createAckBell } from './ack-bell.ts';
import { startHeartbeat, type Heartbeat, type HeartbeatOptions } from './heartbeat.ts';
import { readInbox } from './inbox.ts';
import { beginLife, refuseEnded, type Life } from './life.ts';
import { openLink } from './link.ts';
import { listWork, type Work } from './list-work.ts';
import { onAbort } from './on-abort.ts';
import { checkOptions, checkText, type CoordinatorOptions } from './options.ts';
import { PAYLOAD_BYTES_MOST, sendSignal, type SendOptions } from './send-signal.ts';
import type { ReceivedSignal, SentSignal } from './signal.ts';
import { takeOver, type TakenOver } from './take-over.ts';
import { waitForAcks, type WaitOptions, type WaitResult } from './wait-for-acks.ts';

/**
 * One life of a coordinator. Each operation changes the state and appends its event in one atomic step, by the clock of
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
 * `CoordinationError` of reason `ended`. While Redis is down, operations retry for up to `callTimeoutMs`.
 */
export interface Coordinator {
  readonly swarmId: string;
  readonly coordinatorId: string;
  /**
   * This life: its number among the lives of this id, ascending, and after a point its random token. Two lives are never
   * equal, even if Redis went back to an older state in between and uses a number again.
   */
  readonly life: string;
  /**
   * Delivers a signal to the inbox of each receiver. Duplicate receivers count once, and an empty list is refused. The
   * same `id` and `iteration` again is the same signal: nothing is delivered again.
   */
  sendSignal(to: readonly string[], type: string, options?: SendOptions): Promise<SentSignal>;
  /** Signals as they arrive, in order, each at least once, until `stop` is aborted. One reader at a time. */
  receiveSignals(stop?: AbortSignal): AsyncGenerator<ReceivedSignal>;
  /** Records the ACK, once, and settles the signal. */
  acknowledgeSignal(signal: ReceivedSignal): Promise<AckOutcome>;
  /** Settles a signal without an ACK: it will not be delivered again. */
  settleSignal(signal: ReceivedSignal): Promise<void>;
  /** Blocks until all receivers have ACKed, the time is up, or the wait is aborted. */
  waitForAcks(sent: SentSignal, options: WaitOptions): Promise<WaitResult>;
  /** Beats at once and then every `intervalMs`, until stopped. */
  startHeartbeat(options: HeartbeatOptions): Heartbeat;
  changePhase(phase: string): Promise<void>;
  /**
   * Records a piece of work that a successor could take over. False if this coordinator has it already. The payload is
   * text of at most 1 MiB.
   */
  openWork(workId: string, payload?: string): Promise<boolean>;
  /** Marks work as done. False if this coordinator does not have it, or no longer. */
  finishWork(workId: string): Promise<boolean>;
  /** All open work, with the coordinator from which it was taken over. */
  listWork(): Promise<readonly Work[]>;
  /** Takes over the work and the unsettled signals of a coordinator whose life has ended. */
  takeOver(endedId: string): Promise<TakenOver>;
  /** Hands the work and signals of an ended coordinator to a successor: the named one, or the first by name of those that beat. */
  handOver(endedId: string, successor?: string): Promise<TakenOver>;
  /** Ends this life: open waits end as errors, then all connections are closed. Idempotent. */
  leave(reason?: 'completed' | 'failed' | 'terminated'): Promise<void>;
  /** Closes all connections without an event, as a crash would. Idempotent. */
  disconnect(): void;
}

/**
 * Begins a life of a coordinator in a swarm. The same id again, after a restart, begins a new one and ends the previous one.
 *
 * @throws {ConfigurationError} if an option is out of bounds, or Redis holds another number of shards; the reason of
 *   `signal` if that is aborted before it has joined; {CoordinationError} `ended` if another process of that id joined while
 *   this one was still waiting for the reply.
 */
export async function joinSwarm(options: CoordinatorOptions): Promise<Coordinator> {
  const settings = checkOptions(options);
  const { swarmId, coordinatorId, signal } = settings;
  signal.throwIfAborted();
  const link = openLink(settings);
  const bell = createAckBell(link, settings);
  const heartbeats = new Set<Heartbeat>();
  const waits = new Set<Promise<WaitResult>>();

  const disconnect = (): void => {
    ignoreAbort();
    for (const heartbeat of heartbeats) heartbeat.stop();
    link.close();
    bell.close();
  };
  const ignoreAbort = onAbort(signal, disconnect);

  let life: Life;
  try {
    life = await beginLife(link, settings);
  } catch (error) {
    disconnect();
    throw error;
  }

  return {
    swarmId,
    coordinatorId,
    life: life.id,
    sendSignal: (to, type, sendOptions = {}) => sendSignal(life, { to, type }, sendOptions),
    receiveSignals: (stop = new AbortController().signal) => readInbox(life, stop),
    acknowledgeSignal: (received) => acknowledgeSignal(life, received),
    async settleSignal(received) {
      checkObject('signal', received, 'entryId');
      const { entryId } = received;
      refuseEnded(await link.call('settle-signal', [swarmId, coordinatorId, entryId, '', life.id]));
    },
    async waitForAcks(sent, waitOptions) {
      const result = waitForAcks({ life, bell }, sent, waitOptions);
      waits.add(result);
      try {
        return await result;
      } finally {
        waits.delete(result);
      }
    },
    startHeartbeat(heartbeatOptions) {
      const heartbeat = startHeartbeat(life, heartbeatOptions);
      heartbeats.add(heartbeat);
      return heartbeat;
    },
    async changePhase(next) {
      await life.call('change-phase', [next]);
    },
    async openWork(workId, payload = '') {
      checkText('payload', payload, PAYLOAD_BYTES_MOST);
      return (await life.call('open-work', [workId, payload])) === 'opened';
    },
    finishWork: async (workId) => (await life.call('finish-work', [workId])) === 'finished',
    listWork: () => listWork(life),
    takeOver: (endedId) => takeOver(life, { endedId, successor: coordinatorId }),
    handOver: (endedId, successor = '') => takeOver(life, { endedId, successor }),
    async leave(reason = 'completed') {
      if (link.isClosed()) return;
      for (const heartbeat of heartbeats) heartbeat.stop();
      try {
        while ((await link.call('stop-coordinator', [...life.self, reason])) === 'again');
        bell.ringAll();
        await Promise.allSettled(waits);
      } finally {
        disconnect();
      }
    },
    disconnect,
  };
}
