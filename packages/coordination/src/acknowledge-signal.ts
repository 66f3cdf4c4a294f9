import { refuseEnded, type Life } from './life.ts';
import { ackMessage, earlierAckMessage, type ReceivedSignal } from './signal.ts';

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

/** Records the ACK, once, and settles the signal. */
export async function acknowledgeSignal(
  { link, settings, id: lifeId }: Life,
  { id, iteration, receiverId, entryId, nonce }: ReceivedSignal,
): Promise<AckOutcome> {
  const { swarmId, coordinatorId, keyRing } = settings;
  const content = { swarmId, id, iteration, receiverId };
  const message = nonce === undefined ? earlierAckMessage(content) : ackMessage(content, nonce);
  const { keyId, signature } = keyRing.sign(message);
  const signed = [swarmId, receiverId, id, iteration, keyId, signature];
  const args = [...signed, coordinatorId, entryId, lifeId, nonce ?? ''];
  const reply = refuseEnded(await link.call('acknowledge-signal', args));
  const [status, latencyMs] = reply as [AckOutcome['status'], string?];
  return { status, latencyMs: latencyMs === undefined ? undefined : Number(latencyMs) };
}
