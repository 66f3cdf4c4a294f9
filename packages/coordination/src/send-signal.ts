import { randomBytes, randomUUID } from 'node:crypto';
import { checkList } from './check-list.ts';
import { CoordinationError } from './coordination-error.ts';
import type { Life } from './life.ts';
import { checkId, checkNumber, checkText } from './options.ts';
import { digestPayload, earlierSignalMessage, signalMessage, type SentSignal } from './signal.ts';

export interface SendOptions {
  /** Text of at most 1 MiB. Default empty. */
  readonly payload?: string;
  /** The id of the signal: the same id again is the same signal. Default a new one. */
  readonly id?: string;
  /** The round of a loop to which it belongs. Default 0. */
  readonly iteration?: number;
  /** If nobody waits for the ACKs: missing ones are reported as timeouts after this time, ms. Default never. */
  readonly ackTimeoutMs?: number;
  /** How long the signal and its ACKs are remembered, ms. Default a day. */
  readonly retentionMs?: number;
}

const DAY_MS = 86_400_000;
/** Largest payload of a signal or a piece of work. A signal's is copied to each receiver's inbox. */
export const PAYLOAD_BYTES_MOST = 1024 * 1024;
const RECEIVERS_MOST = 1_000;

/** Bytes of payload that one call may copy, the same as in `send-signal.lua`. */
const DELIVERED_BYTES_MOST = 32 * 1024 * 1024;
/** The signal must be in the inbox within this time after it was signed, ms: a later copy is refused. */
const DELIVER_WITHIN_MS = 10_000;

interface Draft extends Required<SendOptions> {
  readonly type: string;
  readonly receivers: readonly string[];
}

/**
 * @throws {ConfigurationError} if `to` is not a list.
 * @throws {CoordinationError} `invalid` if there are no receivers or too many, or too many bytes; `inbox_full` if a
 *   receiver has too many unsettled signals; `not_sender` if another coordinator sent a signal with that id and iteration;
 *   `ended` if this life has ended. In each case nothing was delivered to any receiver.
 */
export async function sendSignal(
  life: Life,
  { to, type }: { readonly to: readonly string[]; readonly type: string },
  options: SendOptions,
): Promise<SentSignal> {
  checkList('to', to, 'of coordinator ids');
  const draft = checkDraft({ receivers: [...new Set(to)], type }, options);
  const { id, iteration, receivers } = draft;
  const nonce = randomBytes(16).toString('base64url');
  const reply = await deliver(life, draft, nonce);
  switch (reply[0]) {
    case 'not_sender':
      throw new CoordinationError('not_sender', `${id}, iteration ${iteration}: another coordinator sent it`);
    case 'full':
      throw new CoordinationError(
        'inbox_full',
        `expected room in the inbox of each receiver; full are those of ${reply[1]}`,
      );
    case 'sent':
      // Functions of an earlier edition have no nonce, and do not return the time at the end.
      return {
        id,
        iteration,
        type,
        receivers,
        sentMs: Number(reply[1]),
        repeated: false,
        ...(reply[2] === undefined ? {} : { nonce }),
      };
    case 'repeated': {
      const [, sentMs, sentType, sentTo, sentNonce = ''] = reply;
      return {
        id,
        iteration,
        type: sentType,
        receivers: JSON.parse(sentTo) as string[],
        sentMs: Number(sentMs),
        repeated: true,
        ...(sentNonce === '' ? {} : { nonce: sentNonce }),
      };
    }
  }
}

type Reply =
  | readonly ['sent', sentMs: string, nowMs?: string]
  | readonly ['repeated', sentMs: string, type: string, receivers: string, nonce?: string]
  | readonly ['full', receivers: string]
  | readonly ['not_sender'];
type LateReply = readonly ['late', nowMs: string, latestMs: string];

function checkDraft(
  { receivers, type }: { readonly receivers: readonly string[]; readonly type: string },
  options: SendOptions,
): Draft {
  const { payload = '', id = `signal-${randomUUID()}`, iteration = 0 } = options;
  const { ackTimeoutMs = 0, retentionMs = DAY_MS } = options;
  if (receivers.length === 0 || receivers.length > RECEIVERS_MOST) {
    throw new CoordinationError(
      'invalid',
      `receivers: expected 1 to ${RECEIVERS_MOST}; got ${receivers.length}`,
    );
  }
  checkText('payload', payload, PAYLOAD_BYTES_MOST);
  const bytes = Buffer.byteLength(payload);
  if (bytes * receivers.length > DELIVERED_BYTES_MOST) {
    throw new CoordinationError(
      'invalid',
      `payload: expected at most ${DELIVERED_BYTES_MOST} bytes for all receivers; got ${bytes} for each of ${receivers.length}: send a reference to it`,
    );
  }
  for (const receiver of receivers) checkId('receiver', receiver);
  checkNumber('iteration', iteration, { least: 0, most: Number.MAX_SAFE_INTEGER });
  checkNumber('ackTimeoutMs', ackTimeoutMs, { least: 0, most: 31 * DAY_MS });
  checkNumber('retentionMs', retentionMs, { least: 1_000, most: 31 * DAY_MS });
  return { receivers, type, payload, id, iteration, ackTimeoutMs, retentionMs };
}

/** Signs and calls; signs again if the clock of Redis differs from the estimate, as the first time. */
async function deliver({ settings, clock, call }: Life, draft: Draft, nonce: string): Promise<Reply> {
  const { swarmId, coordinatorId: senderId, keyRing, callTimeoutMs } = settings;
  const { id, iteration, type, payload, receivers, ackTimeoutMs, retentionMs } = draft;
  const args = [id, iteration, type, payload, ackTimeoutMs, retentionMs];
  const payloadDigest = digestPayload(payload);
  const contents = receivers.map((receiverId) => ({
    swarmId,
    id,
    iteration,
    senderId,
    receiverId,
    type,
    payload,
  }));
  const earlier = contents.map((content) =>
    keyRing.checks && keyRing.acceptsEarlier ? keyRing.sign(earlierSignalMessage(content)).signature : '',
  );
  const deadlineMs = performance.now() + callTimeoutMs;
  for (let latestMs = 0; ;) {
    const sentMs = clock.nowMs();
    const deliverByMs = Math.max(sentMs, latestMs) + DELIVER_WITHIN_MS;
    const seal = { nonce, sentMs, deliverByMs };
    const signatures = contents.map((content) => keyRing.sign(signalMessage(content, seal, payloadDigest)));
    const header = keyRing.checks ? `${nonce}|${sentMs}|${deliverByMs}` : `${nonce}||`;
    const addressed = receivers.flatMap((receiver, at) => {
      const signature = signatures[at]?.signature ?? '';
      return keyRing.acceptsEarlier ? [receiver, earlier[at] ?? '', signature] : [receiver, signature, ''];
    });
    const keyId = signatures[0]?.keyId ?? '';
    let reply: Reply | LateReply;
    try {
      reply = (await call('send-signal', [...args, keyId, header, ...addressed])) as Reply | LateReply;
    } catch (error) {
      if (!isEarlierLibrary(error, header) || !keyRing.acceptsEarlier) throw error;
      const pairs = receivers.flatMap((receiver, at) => [receiver, earlier[at] ?? '']);
      return (await call('send-signal', [...args, keyId, ...pairs])) as Reply;
    }
    if (reply[0] === 'sent' && reply[2] !== undefined) clock.learn(Number(reply[2]));
    if (reply[0] !== 'late') return reply;
    if (performance.now() >= deadlineMs) {
      throw new Error(
        `${id}: expected a time that fits the clock of Redis; got ${sentMs}, it is ${reply[1]}`,
      );
    }
    clock.learn(Number(reply[1]));
    latestMs = Number(reply[2]);
  }
}

/** A user who may not load functions works with the loaded ones: earlier editions take the header for a receiver. */
function isEarlierLibrary(error: unknown, header: string): boolean {
  return error instanceof CoordinationError && error.message.endsWith(`; got ${header}`);
}
