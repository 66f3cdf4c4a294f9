import { agreeOnShardCount, askAll } from '@streamfold/redis';
import { createGroup } from '../state/create-group.ts';
import { createFolds, type Folds } from './folds.ts';
import {
  createKnownGenerations,
  type FoldedGeneration,
  type KnownGenerations,
  type KnownGenerationsOptions,
} from './known-generations.ts';
import { createLiveState, type LiveState, type LiveStateOptions } from './live-state.ts';

/** The generations that this process folds: the live one, the one being built, and recently retired ones. */
export interface Roster
  extends Omit<KnownGenerations, 'read'>, Pick<LiveState, 'lost'>, Pick<Folds, 'close' | 'failed'> {
  /**
   * Opens the live generation: the first one is recorded with the configured definitions.
   *
   * @throws {ConfigurationError} if Redis holds another number of shards.
   * @throws {UnreadableGenerationError} if this program cannot read its definitions.
   */
  open(): Promise<void>;
  /** Reads the registry, and starts and stops folding its generations. */
  refresh(): Promise<void>;
  /** The live generation; `undefined` until it is opened, and if this program cannot read its definitions. */
  readonly live: FoldedGeneration | undefined;
  readonly folded: readonly FoldedGeneration[];
}

export interface RosterOptions extends KnownGenerationsOptions, LiveStateOptions {
  /** Folds a generation until it is stopped; `undefined` if this process only serves. */
  readonly fold: ((generation: FoldedGeneration, stop: AbortSignal) => Promise<void>) | undefined;
}

export function createRoster(options: RosterOptions): Roster {
  const { redis, fold, observe } = options;
  const known = createKnownGenerations(options);
  const liveState = createLiveState(options);
  const folds = createFolds(liveState.doubt);
  /** Generations whose groups are known to exist. */
  const opened = new Set<string>();
  let folded: readonly FoldedGeneration[] = [];
  const isLive = ({ id }: FoldedGeneration): boolean => id === known.registry?.live;

  const begin = async (generation: FoldedGeneration): Promise<void> => {
    const { id, state } = generation;
    // All shards have confirmed the live one already.
    const outcomes = await askAll(opened.has(id) || state === 'live' ? [] : generation.shards, (each) =>
      createGroup(redis, each, 'existing'),
    );
    if (outcomes.includes('gone')) return; // it is being dropped, or its rebuild has not got this far
    opened.add(id);
    if (fold === undefined) return;
    folds.begin(id, (stop) => fold(generation, stop));
    if (state !== 'live') observe({ type: 'generation_folded', generation: id, state });
  };

  const refresh = async (): Promise<void> => {
    const wanted = await known.read();
    if (wanted === undefined) return; // an aggregator that folds the live one records it again
    const live = wanted.find(isLive);
    if (live !== undefined) await liveState.confirm(live);
    const fitting = liveState.lost === undefined ? wanted : wanted.filter((each) => !isLive(each));
    folds.keepOnly(new Set(fitting.map(({ id }) => id)));
    for (const generation of fitting) if (!folds.has(generation.id)) await begin(generation);
    folded = fitting;
  };

  return {
    async open() {
      await agreeOnShardCount(redis, options);
      try {
        await liveState.open();
      } finally {
        await refresh();
      }
    },
    refresh,
    close: folds.close,
    failed: folds.failed,
    get live() {
      return folded.find(isLive);
    },
    get folded() {
      return folded;
    },
    get registry() {
      return known.registry;
    },
    get rebuildNeeded() {
      return known.rebuildNeeded;
    },
    get lost() {
      return liveState.lost;
    },
    get unreadable() {
      return known.unreadable;
    },
  };
}
