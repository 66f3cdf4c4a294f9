import type { Catalogue } from '@streamfold/core';
import { agreeOnShardCount, askAll, type RedisConnection } from '@streamfold/redis';
import { createGroup } from '../state/create-group.ts';
import type { Observe } from '../run/fact.ts';
import {
  describeGeneration,
  digestDefinitions,
  isFoldedBy,
  numberOf,
  openGeneration,
  type Generation,
} from '../state/generation.ts';
import { readMarks } from '../state/read-marks.ts';
import { readRegistry, type RegisteredGeneration, type Registry } from '../state/read-registry.ts';
import { UnreadableGenerationError } from '../state/unreadable-generation-error.ts';

/** A generation that is folded here, on all shards. */
interface FoldedGeneration {
  readonly id: string;
  readonly state: RegisteredGeneration['state'];
  readonly replaces: string | undefined;
  readonly shards: readonly Generation[];
}

/** Which generations this process folds: the live one, the one that is built, and those that were retired lately. */
export interface Roster {
  /**
   * Opens the live generation: the first one is recorded with the configured definitions.
   *
   * @throws {ConfigurationError} where Redis holds another number of shards.
   * @throws {UnreadableGenerationError} where this program does not know what it is folded by.
   */
  open(): Promise<void>;
  /** Reads which generations there are, and begins and ends folding them. */
  refresh(): Promise<void>;
  /** Resolves once nothing is folded here any more. */
  close(): Promise<void>;
  /** Rejects where folding has failed for good. */
  readonly failed: Promise<never>;
  /** `undefined` until it was opened, and where this program cannot read what it is folded by. */
  readonly live: FoldedGeneration | undefined;
  readonly folded: readonly FoldedGeneration[];
  /** As it was read last. */
  readonly registry: Registry | undefined;
  /** The live generation is folded by other definitions than the configured ones. */
  readonly rebuildNeeded: boolean;
  /** Why the live generation cannot be folded or served by this program. */
  readonly unreadable: string | undefined;
  /** Why nothing is folded or served: the registry does not fit to the state on the shards. */
  readonly lost: string | undefined;
}

export interface RosterOptions {
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly shards: number;
  /** As configured; each generation is folded by its own. */
  readonly catalogue: Catalogue;
  /** Folds a generation until it is told to stop; `undefined` where this process only serves. */
  readonly fold: ((generation: FoldedGeneration, stop: AbortSignal) => Promise<void>) | undefined;
  /** Folds and serves what the registry says, although the shards hold the state of another generation, or none. */
  readonly acceptLostState: boolean;
  readonly observe: Observe;
}

interface Run {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

export function createRoster(options: RosterOptions): Roster {
  const { redis, prefix, shards, catalogue, fold, acceptLostState, observe } = options;
  const configured = digestDefinitions(catalogue);
  const runs = new Map<string, Run>();
  const ending = new Set<Promise<void>>();
  const told = new Set<string>();
  /** Generations whose groups are known to be there. */
  const opened = new Set<string>();
  let registry: Registry | undefined;
  let folded: readonly FoldedGeneration[] = [];
  let rebuildNeeded = false;
  let unreadable: string | undefined;
  let lost: string | undefined;
  /** The live generation, once all shards have confirmed that they hold its state. */
  let confirmed: string | undefined;
  const { promise: failed, reject: fail } = createFailure();
  failed.catch(() => undefined); // whoever awaits it meets it

  const describe = ({
    id,
    state,
    replaces,
    definitions,
  }: RegisteredGeneration): FoldedGeneration | undefined => {
    if (definitions.outcome === 'unreadable') {
      const { message } = new UnreadableGenerationError(id, definitions.detail);
      if (registry?.live === id) unreadable = message;
      if (!told.has(id))
        observe({ type: 'generation_unreadable', generation: id, error: new Error(message) });
      told.add(id);
      return undefined;
    }
    const on = Array.from({ length: shards }, (_, shard) =>
      describeGeneration(id, { prefix, shard, catalogue: definitions.catalogue }),
    );
    return { id, state, replaces, shards: on };
  };

  const begin = async (generation: FoldedGeneration): Promise<void> => {
    const { id, state } = generation;
    // Of the live one all shards have confirmed it already.
    const outcomes = await askAll(opened.has(id) || state === 'live' ? [] : generation.shards, (each) =>
      createGroup(redis, each, 'existing'),
    );
    if (outcomes.includes('gone')) return; // it is being dropped, or its rebuild has not come so far
    opened.add(id);
    if (fold === undefined) return;
    const stop = new AbortController();
    const run = fold(generation, stop.signal);
    const ended = run
      .catch((cause: unknown) => fail(cause instanceof Error ? cause : new Error(String(cause))))
      .finally(() => {
        if (runs.get(id)?.stop === stop) runs.delete(id);
        if (id === confirmed) confirmed = undefined;
        ending.delete(ended);
      });
    runs.set(id, { stop, ended });
    if (state !== 'live') observe({ type: 'generation_folded', generation: id, state });
  };

  const end = (id: string, { stop, ended }: Run): void => {
    runs.delete(id);
    ending.add(ended);
    stop.abort();
  };

  const reportLost = (detail: string | undefined): void => {
    if (detail !== undefined && detail !== lost)
      observe({ type: 'condition_raised', reason: 'registry_lost', shard: undefined, detail });
    if (detail === undefined && lost !== undefined)
      observe({ type: 'condition_cleared', reason: 'registry_lost', shard: undefined });
    lost = detail;
  };

  /** Asks every shard whether it holds the state of the live generation, and opens it there. */
  const confirm = async (live: FoldedGeneration | undefined): Promise<void> => {
    if (live === undefined || live.id === confirmed) return;
    const how = acceptLostState ? 'accepted' : 'live';
    const outcomes = await askAll(live.shards, (each) => createGroup(redis, each, how));
    const shard = outcomes.indexOf('lost');
    if (shard !== -1) {
      const { live: held } = await readMarks(redis, prefix, shard);
      reportLost(describeLoss(live.id, shard, held));
      return;
    }
    confirmed = live.id;
    reportLost(undefined);
  };

  /** An empty registry: what is live on the shards is recorded again, if it is folded by the configured definitions. */
  const openLive = async (): Promise<void> => {
    const { live, number } = await readMarks(redis, prefix, 0);
    const isReadable = live === undefined || isFoldedBy(live, catalogue);
    if (!isReadable && !acceptLostState && (await readRegistry(redis, prefix)).live === undefined) {
      reportLost(
        `the registry is empty; ${live} is live on shard 0, by other definitions. See docs/operating.md`,
      );
      return;
    }
    const least = live !== undefined && isReadable ? numberOf(live) : number + 1;
    await openGeneration(redis, { prefix, shard: 0 }, { catalogue, number: least });
  };

  const compare = (live: string | undefined): void => {
    if (live === undefined) return;
    const needed = !isFoldedBy(live, catalogue);
    if (needed !== rebuildNeeded) observe({ type: 'rebuild_needed', needed, live, configured });
    rebuildNeeded = needed;
  };

  const refresh = async (): Promise<void> => {
    const before = registry?.live;
    registry = await readRegistry(redis, prefix);
    if (registry.live === undefined) return; // Redis was emptied: who folds the live one records it again
    if (before !== undefined && before !== registry.live)
      observe({ type: 'generation_switched', from: before, to: registry.live });
    compare(registry.live);
    unreadable = undefined;
    const wanted = [...registry.generations.values()].filter(isToBeFolded);
    const described = wanted.flatMap((each) => describe(each) ?? []);
    await confirm(described.find(({ id }) => id === registry?.live));
    const fitting = lost === undefined ? described : described.filter(({ id }) => id !== registry?.live);
    const ids = new Set(fitting.map(({ id }) => id));
    for (const [id, run] of runs) if (!ids.has(id)) end(id, run);
    for (const generation of fitting) if (!runs.has(generation.id)) await begin(generation);
    folded = fitting;
  };

  return {
    async open() {
      await agreeOnShardCount(redis, prefix, shards);
      try {
        await openLive();
      } finally {
        await refresh();
      }
    },
    refresh,
    async close() {
      for (const [id, run] of runs) end(id, run);
      await Promise.all(ending);
    },
    failed,
    get live() {
      return folded.find(({ id }) => id === registry?.live);
    },
    get folded() {
      return folded;
    },
    get registry() {
      return registry;
    },
    get rebuildNeeded() {
      return rebuildNeeded;
    },
    get lost() {
      return lost;
    },
    get unreadable() {
      return unreadable;
    },
  };
}

function describeLoss(live: string, shard: number, held: string | undefined): string {
  const found = held === undefined || held === live ? 'its state is not there' : `${held} is live there`;
  return `the registry says that generation ${live} is live; on shard ${shard} ${found}. See docs/operating.md`;
}

function createFailure(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: ((error: Error) => void) | undefined;
  const promise = new Promise<never>((_resolve, rejectIt) => (reject = rejectIt));
  return { promise, reject: (error) => reject?.(error) };
}

function isToBeFolded({ state, stage }: RegisteredGeneration): boolean {
  return state === 'live' || state === 'retired' || (state === 'building' && stage === 'stream');
}
