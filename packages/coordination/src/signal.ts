import { createHash } from 'node:crypto';

/** A sent signal. */
export interface SentSignal {
  readonly id: string;
  /** The round of a loop to which it belongs: an ACK of another round never counts for this one. */
  readonly iteration: number;
  readonly type: string;
  /** The receivers, each once, in the given order. */
  readonly receivers: readonly string[];
  /** The clock of Redis, ms. */
  readonly sentMs: number;
  /** True if it had been sent before: nothing was delivered again, and these are the values of the first time. */
  readonly repeated: boolean;
  /** Unique to this signal; its ACKs repeat it, so that those of an earlier signal with the same id do not count. */
  readonly nonce?: string;
}

/** A signal that has arrived; it stays in the inbox until it is acknowledged or settled. */
export interface ReceivedSignal {
  readonly id: string;
  readonly iteration: number;
  readonly type: string;
  readonly senderId: string;
  /** The coordinator to which it was sent: another one if it was taken over. */
  readonly receiverId: string;
  readonly payload: string;
  readonly sentMs: number;
  /** Entry of the inbox. */
  readonly entryId: string;
  /** True if it was delivered before, to a life that did not settle it. */
  readonly redelivered: boolean;
  /** Unique to this signal; its ACK repeats it. None if the sender runs the earlier version. */
  readonly nonce?: string;
}

/** The content of a signal for one receiver. */
export interface SignalContent {
  readonly swarmId: string;
  readonly id: string;
  readonly iteration: number;
  readonly senderId: string;
  readonly receiverId: string;
  readonly type: string;
  readonly payload: string;
}

/** The part of a signal that its signature covers in addition to its content. */
export interface SignalSeal {
  readonly nonce: string;
  /** The clock of Redis, ms. */
  readonly sentMs: number;
  /** The entry of the inbox has an ID up to this time, ms: a copy that is put there later is refused. */
  readonly deliverByMs: number;
}

/** The parts of a signal that its signature covers. The payload is covered by its SHA-256, made once for all receivers. */
export function signalMessage(content: SignalContent, seal: SignalSeal, payloadDigest: string): string[] {
  const { swarmId, id, iteration, senderId, receiverId, type } = content;
  const { nonce, sentMs, deliverByMs } = seal;
  const numbers = [iteration, sentMs, deliverByMs].map(String);
  return ['signal-2', swarmId, id, nonce, ...numbers, senderId, receiverId, type, payloadDigest];
}

/** In the way of the earlier version. */
export function earlierSignalMessage(content: SignalContent): string[] {
  const { swarmId, id, iteration, senderId, receiverId, type, payload } = content;
  return ['signal', swarmId, id, String(iteration), senderId, receiverId, type, payload];
}

export function digestPayload(payload: string): string {
  return createHash('sha256').update(payload).digest('base64url');
}

/** The content of an ACK. */
export interface AckContent {
  readonly swarmId: string;
  readonly id: string;
  readonly iteration: number;
  readonly receiverId: string;
}

/** The parts of an ACK that its signature covers. */
export function ackMessage({ swarmId, id, iteration, receiverId }: AckContent, nonce: string): string[] {
  return ['ack-2', swarmId, id, nonce, String(iteration), receiverId];
}

/** In the way of the earlier version; also for an ACK of a signal from it, which has no nonce. */
export function earlierAckMessage({ swarmId, id, iteration, receiverId }: AckContent): string[] {
  return ['ack', swarmId, id, String(iteration), receiverId];
}

/** An entry of an inbox: the signal, and the data to check it. */
export interface InboxEntry {
  readonly signal: ReceivedSignal;
  readonly keyId: string;
  /** Empty if the signal is not signed, or only in the way of the earlier version. */
  readonly signature: string;
  /** In the way of the earlier version; otherwise the same as `signature`. */
  readonly earlierSignature: string;
  readonly deliverByMs: number;
}

/** Fields of an inbox entry as `send-signal.lua` writes them. */
export function readInboxEntry(entryId: string, flat: readonly string[], redelivered: boolean): InboxEntry {
  const fields = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) fields.set(flat[at] ?? '', flat[at + 1] ?? '');
  const read = (name: string): string => fields.get(name) ?? '';
  const nonce = read('nonce');
  return {
    signal: {
      id: read('signal_id'),
      iteration: Number(read('iteration')),
      type: read('signal_type'),
      senderId: read('sender_id'),
      receiverId: read('receiver_id'),
      payload: read('payload'),
      sentMs: Number(read('sent_ms')),
      entryId,
      redelivered,
      ...(nonce === '' ? {} : { nonce }),
    },
    keyId: read('key_id'),
    // A program of the earlier version checks `signature`; if no such signature is wanted, it holds ours.
    signature: nonce === '' || read('signature') === '' ? '' : read('signature_2') || read('signature'),
    earlierSignature: read('signature'),
    deliverByMs: Number(read('deliver_by_ms')),
  };
}
