import { checkObject } from '@streamfold/redis';
import { refuseEnded, type Life } from './life.ts';
import { ackMessage, earlierAckMessage, type ReceivedSignal } from './signal.ts';

/** The outcome of an ACK. */
export interface AckOutcome {
  /**
   * - `recorded`: now, for the first time;
   * - `repeated`: it had been recorded before, and was counted then;
   * - `unknown`: the signal is no longer remembered;
   * - `not_receiver`: it was not sent to this receiver.
   *
   * An ACK by a life that has ended is refused, like any operation.
   */
  readonly status: 'recorded' | 'repeated' | 'unknown' | 'not_receiver';
  /** From the sending of the signal to the recording of the ACK, by the clock of Redis, ms with three decimals. */
  readonly latencyMs: number | undefined;
}

/** Records the ACK, once, and settles the signal. */
export async function acknowledgeSignal(
  { link, settings, id: lifeId }: Life,
  signal: ReceivedSignal,
): Promise<AckOutcome> {
  checkObject('signal', signal, 'entryId');
  const { id, iteration, senderId, receiverId, entryId, nonce } = signal;
  const { swarmId, coordinatorId, keyRing } = settings;
  const content = { swarmId, id, iteration, receiverId };
  const message = nonce === undefined ? earlierAckMessage(content) : ackMessage(content, nonce);
  const { keyId, signature } = keyRing.sign(message);
  const signed = [swarmId, receiverId, id, iteration, keyId, signature];
  const args = [...signed, coordinatorId, entryId, lifeId, nonce ?? ''];
  const ofSender = [link.keys.coordinator(swarmId, senderId), link.keys.bell(swarmId, senderId)];
  const reply = refuseEnded(await link.call('acknowledge-signal', args, ofSender));
  const [status, latencyMs] = reply as [AckOutcome['status'], string?];
  return { status, latencyMs: latencyMs === undefined ? undefined : Number(latencyMs) };
}
