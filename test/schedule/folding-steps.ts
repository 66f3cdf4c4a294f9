import { below, drawStep, pick, type Chance } from './draw-step.ts';
import type { Random } from './subject.ts';

/** A step of folding one generation, of keeping its state, or a fault. `createFolding` defines what each does. */
export type FoldingStep =
  | { readonly do: 'publish'; readonly kind: EntryKind; readonly salt: number }
  /** New entries, under the consumer's own name or under a name for this read only. */
  | { readonly do: 'read' | 'readAhead'; readonly consumer: Consumer; readonly count: number }
  | { readonly do: 'readPending'; readonly consumer: Consumer; readonly under: Under; readonly count: number }
  | {
      readonly do: 'commit';
      readonly consumer: Consumer;
      readonly under: Under;
      readonly reply: 'read' | 'lost';
      /** By an aggregator of the previous version, during a rolling upgrade. */
      readonly by?: 'earlier';
    }
  /** A commit that was sent long ago, and may have been done at that time, arrives (again). */
  | { readonly do: 'commitLate'; readonly which: number }
  /** A process is killed; its commits may still arrive. */
  | { readonly do: 'crash' | 'claim'; readonly consumer: Consumer }
  | { readonly do: 'removeConsumer'; readonly consumer: Consumer; readonly under: Under }
  | { readonly do: 'countTrimmed' | 'createGroup' }
  /** Two aggregators serve; `cut`: one dies after this number of commands. */
  | { readonly do: 'refresh' | 'forgetView'; readonly view: View }
  | { readonly do: 'snapshot'; readonly view: View; readonly cut: number }
  | { readonly do: 'trim'; readonly cut: number }
  /** Manual actions of an operator. */
  | { readonly do: 'xtrim'; readonly keep: number }
  | { readonly do: 'xdel'; readonly at: number }
  | { readonly do: 'skipToEnd' | 'destroyGroup' }
  /** Behind this number of entries of the stream. */
  | { readonly do: 'moveBack'; readonly to: number }
  | { readonly do: 'delConsumer'; readonly consumer: Consumer; readonly under: Under }
  /** Redis. */
  | { readonly do: 'keep' | 'goBack'; readonly slot: number }
  | { readonly do: 'moveClock'; readonly ms: number }
  | { readonly do: 'deny'; readonly command: string }
  | { readonly do: 'allow' };

/** The content of an entry: see `describeEntry`. */
export type EntryKind = 'flat' | 'many' | 'bad' | 'life';

export const CONSUMERS = ['c0', 'c1', 'c2'] as const;
export type Consumer = (typeof CONSUMERS)[number];
export const VIEWS = [0, 1] as const;
export type View = (typeof VIEWS)[number];

/** A consumer's own name, or that of its last read ahead. */
export type Under = 'own' | 'ahead';

const consumer = (random: Random): Consumer => pick(random, CONSUMERS);
const under = (random: Random): Under => pick(random, ['own', 'ahead']);
const view = (random: Random): View => pick(random, VIEWS);
/** Usually the whole step; sometimes the program dies in the middle. */
const cut = (random: Random): number => (random() < 0.7 ? 1_000 : below(random, 8));

/** The commands that the product sends in a step. */
// prettier-ignore
const COMMANDS = [
  'xadd', 'xack', 'xpending', 'xinfo', 'xautoclaim', 'xgroup', 'xrange', 'xtrim', 'xreadgroup', 'hset', 'hget', 'hmget',
  'hincrby', 'hdel', 'set', 'del', 'unlink', 'exists', 'persist', 'pexpire', 'evalsha',
] as const;

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

const CHANCES: readonly [Chance<FoldingStep>, ...Chance<FoldingStep>[]] = [
  [
    12,
    (random) => ({
      do: 'publish',
      kind: pick(random, ['flat', 'flat', 'many', 'bad', 'life', 'life']),
      salt: below(random, 1_000),
    }),
  ],
  [5, (random) => ({ do: 'read', consumer: consumer(random), count: 1 + below(random, 3) })],
  [7, (random) => ({ do: 'readAhead', consumer: consumer(random), count: 1 + below(random, 4) })],
  [
    4,
    (random) => ({
      do: 'readPending',
      consumer: consumer(random),
      under: under(random),
      count: 1 + below(random, 4),
    }),
  ],
  [
    12,
    (random) => ({
      do: 'commit',
      consumer: consumer(random),
      under: under(random),
      reply: random() < 0.8 ? 'read' : 'lost',
    }),
  ],
  [1, (random) => ({ do: 'commit', consumer: consumer(random), under: 'own', reply: 'read', by: 'earlier' })],
  [1.5, (random) => ({ do: 'commitLate', which: below(random, 12) })],
  [1, (random) => ({ do: 'crash', consumer: consumer(random) })],
  [2, (random) => ({ do: 'claim', consumer: consumer(random) })],
  [1, (random) => ({ do: 'removeConsumer', consumer: consumer(random), under: under(random) })],
  [2, () => ({ do: 'countTrimmed' })],
  [0.5, () => ({ do: 'createGroup' })],
  [4, (random) => ({ do: 'refresh', view: view(random) })],
  [0.5, (random) => ({ do: 'forgetView', view: view(random) })],
  [3, (random) => ({ do: 'snapshot', view: view(random), cut: cut(random) })],
  [1, (random) => ({ do: 'trim', cut: cut(random) })],
  [0.5, (random) => ({ do: 'xtrim', keep: below(random, 6) })],
  [0.5, (random) => ({ do: 'xdel', at: below(random, 10) })],
  [0.2, () => ({ do: 'skipToEnd' })],
  [0.8, (random) => ({ do: 'moveBack', to: below(random, 6) })],
  [0.5, () => ({ do: 'destroyGroup' })],
  [0.3, (random) => ({ do: 'delConsumer', consumer: consumer(random), under: under(random) })],
  [1, (random) => ({ do: 'keep', slot: below(random, 2) })],
  [0.8, (random) => ({ do: 'goBack', slot: below(random, 2) })],
  [4, (random) => ({ do: 'moveClock', ms: pick(random, [1, 1, 2, SECOND_MS]) })],
  [0.4, (random) => ({ do: 'moveClock', ms: pick(random, [HOUR_MS, -HOUR_MS]) })],
  [0.5, (random) => ({ do: 'deny', command: pick(random, COMMANDS) })],
  [1, () => ({ do: 'allow' })],
];

export function drawFoldingStep(random: Random): FoldingStep {
  return drawStep(random, CHANCES);
}
