import type { InboxEntry } from './signal.ts';

/** Distinguishes a copy of a signed signal from the signal itself. */
export interface SettledSignals {
  /** Signals that earlier lives have settled recently: a nonce, and the time until which the signal could be delivered, ms. */
  load(settled: readonly (readonly [nonce: string, deliverByMs: number])[]): void;
  /** True from `load` on. */
  isLoaded(): boolean;
  /** True if this entry of the inbox is not the one in which the signal first arrived, or arrived too late. */
  isCopy(entry: InboxEntry): boolean;
}

/** Remembered signals of others, from inboxes that were taken over: a few MB at most. */
const HANDED_OVER_MOST = 10_000;

/**
 * A signal is signed for an entry ID up to a certain time, and the IDs of an inbox ascend. So a nonce is remembered
 * only until an entry with a later ID has arrived: from then on the ID reveals a copy.
 *
 * @param coordinatorId the owner of the inbox: a signal for another receiver was handed over, and arrived later than it was
 *   signed for. The nonces of the last 10,000 of them are remembered.
 */
export function createSettledSignals(coordinatorId: string): SettledSignals {
  const own = new Map<string, { readonly entryId: string; readonly deliverByMs: number }>();
  let loaded = false;
  const handedOver = new Map<string, string>();
  return {
    isLoaded: () => loaded,
    load(settled) {
      loaded = true;
      for (const [nonce, deliverByMs] of settled) own.set(nonce, { entryId: '', deliverByMs });
    },
    isCopy({ signal: { nonce = '', entryId, receiverId }, deliverByMs }) {
      const entryMs = Number(entryId.split('-')[0]);
      if (receiverId !== coordinatorId) {
        const before = handedOver.get(nonce);
        handedOver.set(nonce, before ?? entryId);
        const [oldest] = handedOver.keys();
        if (handedOver.size > HANDED_OVER_MOST && oldest !== undefined) handedOver.delete(oldest);
        return before !== undefined && before !== entryId;
      }
      if (entryMs > deliverByMs) return true;
      for (const [known, { deliverByMs: latestMs }] of own) {
        if (latestMs >= entryMs) break;
        own.delete(known);
      }
      const before = own.get(nonce);
      if (before === undefined) own.set(nonce, { entryId, deliverByMs });
      return before !== undefined && before.entryId !== entryId;
    },
  };
}
