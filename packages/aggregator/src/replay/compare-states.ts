import { describeState, type Catalogue, type Delta } from '@streamfold/core';

/** One difference between the live state and another fold of the same entries; `null`: it is missing there. */
export interface Difference {
  readonly what: string;
  readonly live: string | null;
  readonly folded: string | null;
}

/** All differences between two states of one catalogue that readers can see. */
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
