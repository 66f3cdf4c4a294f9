import { randomUUID } from 'node:crypto';
import { CoordinationError } from './coordination-error.ts';
import type { Link } from './link.ts';
import { checkId, checkNumber, checkText, type CoordinatorSettings } from './options.ts';
import { signalMessage, type SentSignal } from './signal.ts';

export interface SendOptions {
  /** Text of at most 1 MiB. Default empty. */
  readonly payload?: string;
  /** The signal's id: the same again is the same signal. Default a new one. */
  readonly id?: string;
  /** Which round of a loop it belongs to. Default 0. */
  readonly iteration?: number;
  /** Where nobody waits for the ACKs: after this time those that are missing are told of as timeouts, ms. Default never. */
  readonly ackTimeoutMs?: number;
  /** How long the signal and its ACKs are remembered, ms. Default a day. */
  readonly retentionMs?: number;
}

const DAY_MS = 86_400_000;
/** Largest payload of a signal or a piece of work. A signal's is copied to each receiver's inbox. */
export const PAYLOAD_BYTES_MOST = 1024 * 1024;
const RECEIVERS_MOST = 1_000;

/**
 * @throws {CoordinationError} `invalid` where nobody or too many are to receive it; `not_sender` where another coordinator
 *   sent a signal of that id and iteration; `ended` where this life has ended.
 */
export async function sendSignal(
  {
    link,
    settings,
    life,
  }: { readonly link: Link; readonly settings: CoordinatorSettings; readonly life: string },
  { to, type }: { readonly to: readonly string[]; readonly type: string },
  options: SendOptions,
): Promise<SentSignal> {
  const { swarmId, coordinatorId, keyRing } = settings;
  const { payload = '', id = `signal-${randomUUID()}`, iteration = 0 } = options;
  const receivers = [...new Set(to)];
  if (receivers.length === 0 || receivers.length > RECEIVERS_MOST) {
    throw new CoordinationError(
      'invalid',
      `receivers: expected 1 to ${RECEIVERS_MOST}; got ${receivers.length}`,
    );
  }
  checkText('payload', payload, PAYLOAD_BYTES_MOST);
  for (const receiver of receivers) checkId('receiver', receiver);
  checkNumber('iteration', iteration, { least: 0, most: Number.MAX_SAFE_INTEGER });
  const ackTimeoutMs = checkNumber('ackTimeoutMs', options.ackTimeoutMs ?? 0, {
    least: 0,
    most: 31 * DAY_MS,
  });
  const retentionMs = checkNumber('retentionMs', options.retentionMs ?? DAY_MS, {
    least: 1_000,
    most: 31 * DAY_MS,
  });
  const signatures = receivers.map((receiverId) =>
    keyRing.sign(
      signalMessage({ swarmId, id, iteration, senderId: coordinatorId, receiverId, type, payload }),
    ),
  );
  const addressed = receivers.flatMap((receiver, at) => [receiver, signatures[at]?.signature ?? '']);
  const keyId = signatures[0]?.keyId ?? '';
  const reply = (await link.call('send-signal', [
    swarmId,
    coordinatorId,
    life,
    id,
    iteration,
    type,
    payload,
    ackTimeoutMs,
    retentionMs,
    keyId,
    ...addressed,
  ])) as ['sent', string] | ['repeated', string, string, string] | ['not_sender'] | ['ended'];
  if (reply[0] === 'ended') throw new CoordinationError('ended', 'the life of this coordinator is over');
  if (reply[0] === 'not_sender') {
    throw new CoordinationError('not_sender', `${id}, iteration ${iteration}: another coordinator sent it`);
  }
  const sentMs = Number(reply[1]);
  if (reply[0] === 'sent') return { id, iteration, type, receivers, sentMs, repeated: false };
  return {
    id,
    iteration,
    type: reply[2],
    receivers: JSON.parse(reply[3]) as string[],
    sentMs,
    repeated: true,
  };
}
