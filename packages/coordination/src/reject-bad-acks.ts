import type { Link } from './link.ts';
import type { CoordinatorSettings } from './options.ts';
import { ackMessage, type SentSignal } from './signal.ts';

/**
 * Looks at the signatures of the ACKs of a signal, and takes back those that are bad: the true one can then be recorded,
 * and the wait goes on. Does nothing where no keys are set.
 */
export async function rejectBadAcks(
  link: Link,
  settings: CoordinatorSettings,
  sent: SentSignal,
): Promise<void> {
  const { keyRing, swarmId, observer } = settings;
  if (!keyRing.checks) return;
  const { id, iteration } = sent;
  const records = (await link.call('read-acks', [swarmId, id, iteration])) as string[];
  for (let at = 0; at < records.length; at += 2) {
    const [receiverId = '', record = ''] = [records[at], records[at + 1]];
    const [, keyId = '', signature = ''] = record.split(' ');
    const reason = keyRing.check(ackMessage({ swarmId, id, iteration, receiverId }), { keyId, signature });
    if (reason === undefined) continue;
    await link.call('reject-ack', [swarmId, id, iteration, receiverId, record, reason]);
    observer.rejected?.({ part: 'ack', signalId: id, from: receiverId, reason });
  }
}
