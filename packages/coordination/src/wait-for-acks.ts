import { randomUUID } from 'node:crypto';
import { checkObject } from '@streamfold/redis';
import { CoordinationError } from './coordination-error.ts';
import type { AckBell } from './ack-bell.ts';
import type { Life } from './life.ts';
import { onAbort } from './on-abort.ts';
import { checkNumber } from './options.ts';
import { rejectBadAcks } from './reject-bad-acks.ts';
import type { SentSignal } from './signal.ts';

/** How a wait ended. */
export interface WaitResult {
  /** `error`: it was aborted, or its coordinator's life has ended. */
  readonly status: 'completed' | 'timeout' | 'error';
  /** Receivers that ACKed, and those that did not. */
  readonly acked: readonly string[];
  readonly missing: readonly string[];
  /** On the clock of Redis, ms with three decimals. */
  readonly durationMs: number;
}

export interface WaitOptions {
  /** 1 to 2,147,481,647: about 24 days. */
  readonly timeoutMs: number;
  /** Ends the wait as `error` when aborted. */
  readonly signal?: AbortSignal;
  /** Names the wait, also in events; no wait of the swarm may have this id. Default a new one. */
  readonly waitId?: string;
}

/** A monitor ends the wait this long after its time, if the waiter itself has not. */
const MONITOR_SLACK_MS = 2_000;
/** A longer timer of Node would fire at once; about 24 days. */
const LONGEST_MS = 2_147_483_647 - MONITOR_SLACK_MS;

/**
 * Blocks until every receiver of the signal has ACKed, the time is up, or the wait is aborted. ACKs wake it, and it sends no
 * requests meanwhile.
 *
 * @throws {ConfigurationError} if the options or their time are missing, or the time is out of bounds.
 * @throws {CoordinationError} `unknown_signal`, `not_sender` or `wait_exists` if the wait is impossible; `ended` if this
 *   life has ended.
 */
export async function waitForAcks(
  { life, bell }: { readonly life: Life; readonly bell: AckBell },
  sent: SentSignal,
  options: WaitOptions,
): Promise<WaitResult> {
  checkObject('sent', sent, 'id');
  checkObject('options', options, 'timeoutMs');
  const { timeoutMs, signal: abort, waitId: chosenId } = options;
  const { link, settings } = life;
  const waitId = chosenId ?? `wait-${randomUUID()}`;
  checkNumber('timeoutMs', timeoutMs, { least: 1, most: LONGEST_MS });
  const alarm = createAlarm(abort);
  const unlisten = bell.listen(`${sent.id}|${sent.iteration}`, alarm.ring);
  try {
    const what = [waitId, sent.id, sent.iteration, timeoutMs, MONITOR_SLACK_MS, randomUUID()];
    const started = (await life.call('start-wait', what)) as StartReply;
    // Functions of an earlier edition answer `exists` to the second of two calls, if the first reply was lost.
    const isOwn = started === 'exists' && chosenId === undefined;
    if (started !== 'open' && !isOwn) throw refuse(started, { sent, waitId });
    alarm.set(timeoutMs);
    const keysOfWait = nameKeysOfWait(life, sent);
    for (;;) {
      const reason = alarm.reason();
      const verified = await rejectBadAcks(life, sent);
      const acks = verified === undefined ? ['any'] : ['verified', ...verified];
      const args = [settings.swarmId, waitId, reason ?? 'if_complete', ...acks];
      const reply = (await link.call('finish-wait', args, keysOfWait)) as FinishReply;
      if (reply[0] === 'finished') return toResult(reply);
      if (reply[0] === 'gone') throw new CoordinationError('ended', `wait ${waitId} is no longer open`);
      await alarm.next();
    }
  } finally {
    unlisten();
    alarm.close();
  }
}

/** The keys with which a wait of this life ends, in addition to those that its id names. */
function nameKeysOfWait(
  { link: { keys }, settings: { swarmId, coordinatorId } }: Life,
  { id, iteration }: SentSignal,
): string[] {
  const signal = [swarmId, id, String(iteration)] as const;
  return [keys.waits(swarmId, coordinatorId), keys.signal(...signal), keys.acks(...signal)];
}

type StartReply = 'open' | 'exists' | 'unknown' | 'not_sender';
type FinishReply =
  | readonly ['finished', WaitResult['status'], durationMs: string, acked: string, missing: string]
  | readonly ['open' | 'gone'];

function refuse(
  reply: Exclude<StartReply, 'open'>,
  { sent: { id, iteration }, waitId }: { readonly sent: SentSignal; readonly waitId: string },
): CoordinationError {
  const signal = `${id}, iteration ${iteration}`;
  switch (reply) {
    case 'unknown':
      return new CoordinationError('unknown_signal', `${signal}: it is not remembered, or never was sent`);
    case 'not_sender':
      return new CoordinationError('not_sender', `${signal}: another coordinator sent it`);
    case 'exists':
      return new CoordinationError(
        'wait_exists',
        `${waitId}: expected an id of its own; the swarm has, or had within a minute, a wait of that id`,
      );
  }
}

function toResult([, status, durationMs, acked, missing]: Extract<
  FinishReply,
  readonly ['finished', ...unknown[]]
>): WaitResult {
  return { status, durationMs: Number(durationMs), acked: splitIds(acked), missing: splitIds(missing) };
}

function splitIds(ids: string): string[] {
  return ids === '' ? [] : ids.split(' ');
}

interface Alarm {
  /** Starts the time-out, from now on. */
  set(timeoutMs: number): void;
  ring(): void;
  /** Why the wait must end now; `undefined` if it need not. */
  reason(): 'timeout' | 'error' | undefined;
  /** Resolves at the next ring, or when there is a reason; at once if there was one since the last call. */
  next(): Promise<void>;
  close(): void;
}

function createAlarm(abort: AbortSignal | undefined): Alarm {
  let rung = false;
  let late = false;
  let wake: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const ring = (): void => {
    rung = true;
    wake?.();
  };
  const ignore = abort === undefined ? undefined : onAbort(abort, ring);
  return {
    set(timeoutMs) {
      timer = setTimeout(() => {
        late = true;
        ring();
      }, timeoutMs);
    },
    ring,
    reason: () => (abort?.aborted === true ? 'error' : late ? 'timeout' : undefined),
    async next() {
      if (!rung) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      wake = undefined;
      rung = false;
    },
    close() {
      clearTimeout(timer);
      ignore?.();
    },
  };
}
