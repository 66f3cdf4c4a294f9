import { isNoGroup, toError, whenReady } from '@streamfold/redis';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoordinationError } from './coordination-error.ts';
import { createInboxCursor } from './inbox-cursor.ts';
import type { Link } from './link.ts';
import { onAbort } from './on-abort.ts';
import type { CoordinatorSettings } from './options.ts';
import { signalMessage, toReceivedSignal, type ReceivedSignal } from './signal.ts';

/** Long, as each read of each coordinator costs Redis some us while nothing comes. */
const BLOCK_MS = 5_000;
const READY_TIMEOUT_MS = 5_000;
const READ_SIGNALS = 100;
const PAUSE_MS = 50;

/**
 * XREADGROUP GROUP life-<life> reader COUNT n BLOCK ms STREAMS inbox id
 *
 * The signals of a coordinator's inbox, in the order in which they came, each at least once: first those that a life
 * before this one did not settle, then new ones as they come. What is refused because of its signature is settled, told
 * of as an event, and not given out. Ends when `stop` is aborted, or the coordinator has left.
 *
 * Each life reads by a group of its own, which ends with it: one that wakes up late takes nothing from the one after it.
 *
 * @throws {CoordinationError} `ended` where this life has ended without having been stopped here.
 */
export async function* readInbox(
  {
    link,
    settings,
    life,
    delivered: deliveredBefore,
  }: {
    readonly link: Link;
    readonly settings: CoordinatorSettings;
    readonly life: string;
    /** Entry up to which lives before were given the signals. */
    readonly delivered: string;
  },
  stop: AbortSignal,
): AsyncGenerator<ReceivedSignal> {
  const { swarmId, coordinatorId, keyRing, observer } = settings;
  if (stop.aborted || link.isClosed()) return;
  const redis = link.openReader('inbox');
  const key = `${link.events.slice(0, -'events'.length)}inbox:${swarmId}|${coordinatorId}`;
  const cursor = createInboxCursor({ doubtMs: 2 * BLOCK_MS, now: () => performance.now() });
  // Ends a read that blocks. What its reply would have brought is pending, and comes again to the next reader.
  const ignore = onAbort(stop, () => redis.disconnect());
  try {
    while (!stop.aborted && !link.isClosed()) {
      let entries: [string, string[] | null][];
      try {
        await whenReady(redis, READY_TIMEOUT_MS);
        const reply = (await redis.xreadgroup(
          ...([
            'GROUP',
            `life-${life}`,
            'reader',
            'COUNT',
            READ_SIGNALS,
            'BLOCK',
            BLOCK_MS,
            'STREAMS',
            key,
            cursor.next(),
          ] as const),
        )) as [string, [string, string[] | null][]][] | null;
        entries = reply?.[0]?.[1] ?? [];
      } catch (cause) {
        if (stop.aborted || link.isClosed()) return;
        if (isNoGroup(cause)) {
          throw new CoordinationError('ended', 'the life of this coordinator is over', { cause });
        }
        observer.disconnected?.({ error: toError(cause) });
        cursor.fail();
        await sleep(PAUSE_MS);
        continue;
      }
      for (const [entryId, fields] of cursor.take(entries)) {
        if (stop.aborted || link.isClosed()) return;
        if (fields === null) continue;
        const { signal, signature } = toReceivedSignal(entryId, fields, !isAfter(entryId, deliveredBefore));
        const fault = keyRing.check(signalMessage({ swarmId, ...signal }), signature);
        if (fault === undefined) yield signal;
        else {
          await link.call('settle-signal', [swarmId, coordinatorId, entryId, fault, life]);
          observer.rejected?.({ part: 'signal', signalId: signal.id, from: signal.senderId, reason: fault });
        }
      }
    }
  } finally {
    ignore();
    redis.disconnect();
  }
}

/** Entry IDs never compare as texts. */
function isAfter(entryId: string, other: string): boolean {
  const [ms = '', sequence = ''] = entryId.split('-');
  const [otherMs = '', otherSequence = ''] = other.split('-');
  return ms === otherMs ? BigInt(sequence) > BigInt(otherSequence) : BigInt(ms) > BigInt(otherMs);
}
