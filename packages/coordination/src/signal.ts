import type { Signature } from './key-ring.ts';

/** A signal that was sent. */
export interface SentSignal {
  readonly id: string;
  /** Which round of a loop it belongs to: an ACK of another round never counts for this one. */
  readonly iteration: number;
  readonly type: string;
  /** Each once, in the order given. */
  readonly receivers: readonly string[];
  /** The clock of Redis, ms. */
  readonly sentMs: number;
  /** True where it had been sent before: nothing was delivered again, and all of this is as it was sent then. */
  readonly repeated: boolean;
}

/** A signal that came; it stays in the inbox until it is acknowledged or settled. */
export interface ReceivedSignal {
  readonly id: string;
  readonly iteration: number;
  readonly type: string;
  readonly senderId: string;
  /** To whom it was sent: another one where it was taken over. */
  readonly receiverId: string;
  readonly payload: string;
  readonly sentMs: number;
  /** Entry of the inbox. */
  readonly entryId: string;
  /** True where it was delivered before, to a life that did not settle it. */
  readonly redelivered: boolean;
}

/** The parts of a signal that its signature covers: all that its sender says, and to whom. */
export function signalMessage(signal: {
  readonly swarmId: string;
  readonly id: string;
  readonly iteration: number;
  readonly senderId: string;
  readonly receiverId: string;
  readonly type: string;
  readonly payload: string;
}): string[] {
  const { swarmId, id, iteration, senderId, receiverId, type, payload } = signal;
  return ['signal', swarmId, id, String(iteration), senderId, receiverId, type, payload];
}

/** The parts of an ACK that its signature covers: who acknowledges what. */
export function ackMessage(ack: {
  readonly swarmId: string;
  readonly id: string;
  readonly iteration: number;
  readonly receiverId: string;
}): string[] {
  const { swarmId, id, iteration, receiverId } = ack;
  return ['ack', swarmId, id, String(iteration), receiverId];
}

/** Fields of an inbox entry as `send-signal.lua` writes them. */
export function toReceivedSignal(
  entryId: string,
  flat: readonly string[],
  redelivered: boolean,
): { readonly signal: ReceivedSignal; readonly signature: Signature } {
  const fields = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) fields.set(flat[at] ?? '', flat[at + 1] ?? '');
  const read = (name: string): string => fields.get(name) ?? '';
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
    },
    signature: { keyId: read('key_id'), signature: read('signature') },
  };
}
