import type { InboxEntry } from './signal.ts';

/** Distinguishes a copy of a signed signal from the signal itself. */
export interface SettledSignals {
  /** What lives before this one have settled lately: a nonce, and until when the signal could be delivered, ms. */
  load(settled: readonly (readonly [nonce: string, deliverByMs: number])[]): void;
  /** True from `load` on. */
  isLoaded(): boolean;
  /** True if this entry of the inbox is another one than the entry that the signal came in, or came too late. */
  isCopy(entry: InboxEntry): boolean;
}

/** Signals of others that are remembered, out of inboxes that were taken over: some MB at most. */
const HANDED_OVER_MOST = 10_000;

/**
 * A signal is signed for an entry ID of a certain time at the latest, and IDs of an inbox ascend. So a nonce is remembered
 * only until an entry with a later ID has come: from then on a copy is seen by its ID.
 *
 * @param coordinatorId whose inbox it is: a signal of another receiver was handed over, and came later than it was signed
 *   for. The nonces of the last 10,000 of them are remembered.
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
