import { isAfter } from '@streamfold/core/entry-id';
import { isNoGroup, toError, whenReady } from '@streamfold/redis';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInboxCursor } from './inbox-cursor.ts';
import { judgeSignature, type Rejection } from './judge-signal.ts';
import { endedError, type Life } from './life.ts';
import { onAbort } from './on-abort.ts';
import { readInboxEntry, type InboxEntry, type ReceivedSignal } from './signal.ts';

/** Long, because each read of each idle coordinator costs Redis a few us. */
const BLOCK_MS = 5_000;
const READY_TIMEOUT_MS = 5_000;
const READ_SIGNALS = 100;
const PAUSE_MS = 50;

/**
 * XREADGROUP GROUP life-<life> reader COUNT n BLOCK ms STREAMS inbox id
 *
 * The signals in the inbox of a coordinator, in the order in which they arrived, each at least once: first those that an
 * earlier life did not settle, then new ones as they arrive. A signal that is refused because of its signature is settled,
 * reported as an event, and not returned. Ends when `stop` is aborted, or the coordinator has left.
 *
 * Each life reads with its own group, which ends with it: a life that wakes up late takes nothing from the next one.
 *
 * @throws {CoordinationError} `ended` if this life has ended without having been stopped here.
 */
export async function* readInbox(life: Life, stop: AbortSignal): AsyncGenerator<ReceivedSignal> {
  const { link, settings, settled } = life;
  const { swarmId, coordinatorId, observer } = settings;
  if (stop.aborted || link.isClosed()) return;
  const redis = link.openReader('inbox');
  const key = link.keys.inbox(swarmId, coordinatorId);
  const cursor = createInboxCursor({ doubtMs: 2 * BLOCK_MS, now: () => performance.now() });
  // Ends a blocking read. The entries of its reply are pending, and go to the next reader.
  const ignore = onAbort(stop, () => redis.disconnect());
  try {
    while (!stop.aborted && !link.isClosed()) {
      let entries: [string, string[] | null][];
      try {
        await whenReady(redis, READY_TIMEOUT_MS);
        if (settings.keyRing.checks && !settled.isLoaded()) settled.load(await listSettled(life));
        const reply = (await redis.xreadgroup(
          ...([
            'GROUP',
            `life-${life.id}`,
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
        if (isNoGroup(cause)) throw endedError({ cause });
        observer.disconnected?.({ error: toError(cause) });
        cursor.fail();
        await sleep(PAUSE_MS);
        continue;
      }
      for (const [entryId, fields] of cursor.take(entries)) {
        if (stop.aborted || link.isClosed()) return;
        if (fields === null) continue;
        const entry = readInboxEntry(entryId, fields, !isAfter(entryId, life.delivered));
        const { signal } = entry;
        const rejection = await rejectBadSignal(entry, life);
        if (rejection === undefined) yield signal;
        else
          observer.rejected?.({ part: 'signal', signalId: signal.id, from: signal.senderId, ...rejection });
      }
    }
  } finally {
    ignore();
    redis.disconnect();
  }
}

/** The signals that earlier lives have settled recently, and the time until which a copy could arrive. */
async function listSettled({ link, settings }: Life): Promise<[string, number][]> {
  const { swarmId, coordinatorId } = settings;
  let flat: string[] = [];
  try {
    flat = (await link.call('list-settled', [swarmId, coordinatorId])) as string[];
  } catch (error) {
    // A user who may not load functions works with the loaded ones, which may be of an earlier edition.
    if (!(error instanceof Error && error.message.startsWith('NOPERM'))) throw error;
  }
  return flat.flatMap((nonce, at) => (at % 2 === 0 ? [[nonce, Number(flat[at + 1])]] : []));
}

/**
 * Refuses a signal whose signature is bad, or bad in this inbox: it is settled, and reported as an event. Returns the
 * reason, or `undefined` if the signal may be returned.
 */
async function rejectBadSignal(entry: InboxEntry, life: Life): Promise<Rejection | undefined> {
  const { link, settings, settled } = life;
  const { swarmId, coordinatorId, keyRing } = settings;
  const reject = async (rejection: Rejection): Promise<Rejection | undefined> => {
    const { reason, detail = '' } = rejection;
    const args = [swarmId, coordinatorId, entry.signal.entryId, reason, life.id, detail];
    const receiver = link.keys.coordinator(swarmId, entry.signal.receiverId);
    return (await link.call('settle-signal', args, [receiver])) === 'handed_over' ? undefined : rejection;
  };
  const rejection = judgeSignature(entry, swarmId, keyRing);
  if (rejection !== undefined) return reject(rejection);
  if (!keyRing.checks || entry.signature + entry.earlierSignature === '') return undefined;
  if (entry.signal.receiverId !== coordinatorId) {
    const misplaced = await reject({ reason: 'bad_signature', detail: 'wrong_inbox' });
    if (misplaced !== undefined) return misplaced;
  }
  return entry.signature !== '' && settled.isCopy(entry)
    ? reject({ reason: 'bad_signature', detail: 'replayed' })
    : undefined;
}
