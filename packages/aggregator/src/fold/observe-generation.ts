import type { Observe } from '../run/fact.ts';

/**
 * Tells of what is folded into a generation that is not live in words of its own: the metrics of this process count what it
 * does for the live one, and an entry that two of them miss is lost once.
 */
export function observeGeneration(
  id: string,
  { observe, isLive }: { observe: Observe; isLive: () => boolean },
): Observe {
  return (fact) => {
    if (fact.type === 'entries_lost') {
      if (isLive()) observe(fact);
    } else if (fact.type !== 'batch_committed' || isLive()) observe(fact);
    else {
      const { shard, entries, events, deadLetters } = fact;
      observe({ type: 'generation_batch_committed', shard, generation: id, entries, events, deadLetters });
    }
  };
}
