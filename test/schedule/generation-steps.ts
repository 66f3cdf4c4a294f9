import { below, drawStep, pick, type Chance } from './draw-step.ts';
import { drawFoldingStep, type FoldingStep } from './folding-steps.ts';
import type { Random } from './subject.ts';

/** A step of a rebuild, of an aggregator that keeps generations, or of folding one of them. */
export type GenerationStep =
  | { readonly do: 'fold'; readonly which: number; readonly step: FoldingStep }
  | { readonly do: 'begin' | 'follow' | 'switch' | 'cancel' | 'handOver' | 'remember' }
  /** By the current registry, or by one that an aggregator has read before. */
  | { readonly do: 'upkeep'; readonly registry: 'present' | 'remembered' }
  /** By generation number. */
  | { readonly do: 'reopen'; readonly number: number; readonly how: 'live' | 'existing' };

/** Manual actions and permissions are tested with folding only. */
// prettier-ignore
const FOLDED: ReadonlySet<FoldingStep['do']> = new Set<FoldingStep['do']>([
  'publish', 'read', 'readAhead', 'readPending', 'commit', 'commitLate', 'crash', 'claim', 'removeConsumer', 'countTrimmed',
  'refresh', 'forgetView', 'snapshot', 'trim', 'keep', 'goBack', 'moveClock',
]);

function drawFolded(random: Random): GenerationStep {
  for (;;) {
    const step = drawFoldingStep(random);
    if (FOLDED.has(step.do)) return { do: 'fold', which: below(random, 4), step };
  }
}

const CHANCES: readonly [Chance<GenerationStep>, ...Chance<GenerationStep>[]] = [
  [40, drawFolded],
  [3, () => ({ do: 'begin' })],
  [1, () => ({ do: 'follow' })],
  [3, () => ({ do: 'switch' })],
  [0.5, () => ({ do: 'cancel' })],
  [1, () => ({ do: 'handOver' })],
  [1, () => ({ do: 'remember' })],
  [4, (random) => ({ do: 'upkeep', registry: pick(random, ['present', 'present', 'remembered']) })],
  [1, (random) => ({ do: 'reopen', number: 1 + below(random, 3), how: pick(random, ['live', 'existing']) })],
];

export function drawGenerationStep(random: Random): GenerationStep {
  return drawStep(random, CHANCES);
}
