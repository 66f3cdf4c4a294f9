import type { SignatureFault } from './key-ring.ts';
import type { Life } from './life.ts';
import { ackMessage, earlierAckMessage, type SentSignal } from './signal.ts';

/**
 * Checks the signatures of the ACKs of a signal, and removes bad ones: then the valid one can be recorded, or counts if it
 * arrived after the bad one; and the wait stays open. An ACK repeats the nonce of the signal: one for an earlier signal with
 * the same id is bad.
 *
 * @returns the receivers with good ACKs: others may have arrived since. `undefined` if no keys are set: all count.
 */
export async function rejectBadAcks(
  { link, settings }: Life,
  sent: SentSignal,
): Promise<string[] | undefined> {
  const { keyRing, swarmId, observer } = settings;
  if (!keyRing.checks) return undefined;
  const { id, iteration } = sent;
  const flat = (await link.call('read-acks', [swarmId, id, iteration, 'nonce'])) as string[];
  // Functions of an earlier edition return no nonce: their lists have an even length.
  const [found = ''] = flat.length % 2 === 1 ? flat.splice(0, 1) : [];
  const nonce = sent.nonce ?? found;
  const judge = ([, keyId = '', signature = '']: readonly string[], receiverId: string): Fault => {
    const content = { swarmId, id, iteration, receiverId };
    const fault = keyRing.check(ackMessage(content, nonce), { keyId, signature });
    // An ACK of a program of the earlier version, or of a signal that came from one.
    return fault === 'bad_signature' && keyRing.acceptsEarlier
      ? keyRing.check(earlierAckMessage(content), { keyId, signature })
      : fault;
  };
  const verified: string[] = [];
  for (let at = 0; at < flat.length; at += 2) {
    const [receiverId = '', record = ''] = [flat[at], flat[at + 1]];
    let left = splitRecord(record);
    for (const ack of splitRecord(record)) {
      const [, keyId = '', signature = ''] = ack;
      const reason = judge(ack, receiverId);
      if (reason === undefined) continue;
      const judged = joinRecord(left);
      left = left.filter(([, ...signed]) => signed[0] !== keyId || signed[1] !== signature);
      const args = [swarmId, id, iteration, receiverId, judged, reason, joinRecord(left)];
      if ((await link.call('reject-ack', args)) === 'changed') break; // another coordinator has judged it, or another ACK is being recorded
      observer.rejected?.({ part: 'ack', signalId: id, from: receiverId, reason });
    }
    if (left.some((ack) => judge(ack, receiverId) === undefined)) verified.push(receiverId);
  }
  return verified;
}

type Fault = SignatureFault | undefined;

/** A record is one or more of `<latency_ms> <key_id> <signature>`. */
function splitRecord(record: string): string[][] {
  const parts = record.split(' ');
  const acks: string[][] = [];
  for (let at = 0; at < parts.length; at += 3) acks.push(parts.slice(at, at + 3));
  return acks;
}

function joinRecord(acks: readonly (readonly string[])[]): string {
  return acks.map((ack) => ack.join(' ')).join(' ');
}
