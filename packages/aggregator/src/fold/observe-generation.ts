import type { Observe } from '../run/fact.ts';

/**
 * Reports facts about a generation that is not live separately: the metrics of this process count its work for the live one,
 * and an entry that two generations miss is lost once.
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
