import type { KeyRing, SignatureFault } from './key-ring.ts';
import { digestPayload, earlierSignalMessage, signalMessage, type InboxEntry } from './signal.ts';

/**
 * Why a signature made with a known key is bad here:
 * - `replayed`: the signal was settled before, or was put into the inbox later than it was signed for;
 * - `wrong_inbox`: it was sent to another coordinator, which is alive;
 * - `earlier_version`: it is signed in the way of the version before nonces, which is not accepted.
 */
export type RejectionDetail = 'replayed' | 'wrong_inbox' | 'earlier_version';

export interface Rejection {
  readonly reason: SignatureFault;
  readonly detail?: RejectionDetail;
}

/** `undefined` if the signature of a signal is good, or not needed; otherwise why it is bad. */
export function judgeSignature(entry: InboxEntry, swarmId: string, keyRing: KeyRing): Rejection | undefined {
  if (!keyRing.checks) return undefined;
  const { signal, keyId, signature, earlierSignature, deliverByMs } = entry;
  const content = { swarmId, ...signal };
  if (signature !== '') {
    const { nonce = '', sentMs } = signal;
    const message = signalMessage(content, { nonce, sentMs, deliverByMs }, digestPayload(signal.payload));
    const reason = keyRing.check(message, { keyId, signature });
    return reason && { reason };
  }
  const reason = keyRing.check(earlierSignalMessage(content), { keyId, signature: earlierSignature });
  if (reason !== undefined) return { reason };
  return earlierSignature === '' || keyRing.acceptsEarlier
    ? undefined
    : { reason: 'bad_signature', detail: 'earlier_version' };
}
