import type { Catalogue } from '@streamfold/core';
import { askAll, type RedisConnection } from '@streamfold/redis';
import { createCondition } from '../run/condition.ts';
import type { Observe } from '../run/fact.ts';
import { createGroup } from '../state/create-group.ts';
import { isFoldedBy, numberOf, openGeneration, type Generation } from '../state/generation.ts';
import { readMarks } from '../state/read-marks.ts';
import { readRegistry } from '../state/read-registry.ts';

/**
 * Whether the shards hold the state of the generation that is live according to the registry. Nothing of it may be folded or
 * served before all of them have confirmed that.
 *
 * ```
 *   unconfirmed ──all shards hold it──▶ confirmed ──its fold has ended, or another one is live──▶ unconfirmed
 *        │ ▲
 *        ▼ │ asked again each time
 *       lost    a shard holds the state of another generation, or none
 * ```
 */
export interface LiveState {
  /**
   * Records the live generation if the registry has none: the one that is live on the shards, if it has the configured
   * definitions, or else a new one if there is no state or its loss is accepted.
   */
  open(): Promise<void>;
  /** Asks each shard whether it holds the state of the live generation, and opens it there, unless this is already confirmed. */
  confirm(live: { readonly id: string; readonly shards: readonly Generation[] }): Promise<void>;
  /** The generation must be confirmed again. */
  doubt(id: string): void;
  /** Why nothing may be folded or served. */
  readonly lost: string | undefined;
}

export interface LiveStateOptions {
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly catalogue: Catalogue;
  /** Folds and serves the generation that the registry names, even if the shards do not hold its state. */
  readonly acceptLostState: boolean;
  readonly observe: Observe;
}

export function createLiveState(options: LiveStateOptions): LiveState {
  const { redis, prefix, catalogue, acceptLostState, observe } = options;
  let confirmed: string | undefined;
  let lost: string | undefined;

  const reportLost = createCondition('registry_lost', observe);
  const report = (detail: string | undefined): void => {
    reportLost(undefined, detail);
    lost = detail;
  };

  return {
    async open() {
      const { live, number } = await readMarks(redis, { prefix, shard: 0 });
      const isReadable = live === undefined || isFoldedBy(live, catalogue);
      if (!isReadable && !acceptLostState && (await readRegistry(redis, prefix)).live === undefined) {
        report(
          `the registry is empty; ${live} is live on shard 0, by other definitions. See docs/operating.md`,
        );
        return;
      }
      const least = live !== undefined && isReadable ? numberOf(live) : number + 1;
      await openGeneration(redis, { prefix, shard: 0 }, { catalogue, number: least });
    },
    async confirm({ id, shards }) {
      if (id === confirmed) return;
      const how = acceptLostState ? 'accepted' : 'live';
      const outcomes = await askAll(shards, (each) => createGroup(redis, each, how));
      const shard = outcomes.indexOf('lost');
      if (shard === -1) confirmed = id;
      report(
        shard === -1 ? undefined : describeLoss(id, shard, (await readMarks(redis, { prefix, shard })).live),
      );
    },
    doubt(id) {
      if (id === confirmed) confirmed = undefined;
    },
    get lost() {
      return lost;
    },
  };
}

function describeLoss(live: string, shard: number, held: string | undefined): string {
  const found = held === undefined || held === live ? 'its state is not there' : `${held} is live there`;
  return `the registry says that generation ${live} is live; on shard ${shard} ${found}. See docs/operating.md`;
}
