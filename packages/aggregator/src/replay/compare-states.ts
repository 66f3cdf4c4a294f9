import { describeState, type Catalogue, type Delta } from '@streamfold/core';

/** One thing that the live state and another fold of the same entries say differently; `null`: it does not say it at all. */
export interface Difference {
  readonly what: string;
  readonly live: string | null;
  readonly folded: string | null;
}

/** Everything in which two states of one catalogue differ, for those who read them. */
export function compareStates(live: Delta, folded: Delta, catalogue: Catalogue): Difference[] {
  const ofLive = describeState(live, catalogue);
  const ofFolded = describeState(folded, catalogue);
  const differences: Difference[] = [];
  for (const what of new Set([...ofLive.keys(), ...ofFolded.keys()])) {
    const difference = { what, live: ofLive.get(what) ?? null, folded: ofFolded.get(what) ?? null };
    if (difference.live !== difference.folded) differences.push(difference);
  }
  return differences;
}
