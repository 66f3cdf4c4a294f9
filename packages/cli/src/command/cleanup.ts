import { cleanUp, type CleanupVerdict } from '@streamfold/coordination';
import { askAll, listShards, type Shard } from '@streamfold/redis';
import type { Command } from '../environment.ts';
import { withRedis } from '../with-redis.ts';

const HOUR_MS = 3_600_000;
/** Shards at a time: a step occupies Redis for a few ms, and steps sent together occupy it one after the other. */
const SHARDS_AT_ONCE = 8;

/** What the verdicts mean, in words. */
const MEANINGS: Readonly<Record<CleanupVerdict['verdict'], string>> = {
  removed: 'removed',
  would_remove: 'would be removed',
  kept: 'kept: it has work or signals that no coordinator has taken over',
  not_a_number: 'refused: its end time is not a number',
  not_whole: 'refused: its end time is not a whole number of ms',
  in_the_future: 'refused: its end time is in the future',
  too_old: 'refused: its end time is before 2020',
  in_seconds: 'refused: its end time is in seconds; expected ms',
  in_microseconds: 'refused: its end time is in microseconds; expected ms',
  alive: 'refused: it is alive',
  changed: 'refused: its end time differs from the index',
  malformed: 'refused: one of its keys has the wrong type',
};

/** Verdicts that are not refusals. */
const AS_EXPECTED: ReadonlySet<CleanupVerdict['verdict']> = new Set(['removed', 'would_remove', 'kept']);

/** Removes the keys of ended coordinators. Exit code 0 if all records were valid, 1 if some were refused. */
export const cleanup: Command = ({ configuration, print }) =>
  withRedis(
    configuration,
    async (redis) => {
      const { endedForHours, dryRun, json } = configuration;
      const options = { endedForMs: endedForHours * HOUR_MS, dryRun };
      const counts = new Map<CleanupVerdict['verdict'], number>();
      const cleanUpShard = async (shard: Shard): Promise<void> => {
        for await (const each of cleanUp(redis, shard, options)) {
          counts.set(each.verdict, (counts.get(each.verdict) ?? 0) + 1);
          const { swarmId, coordinatorId, verdict } = each;
          print(json ? JSON.stringify(each) : `${swarmId} ${coordinatorId}  ${MEANINGS[verdict]}`);
        }
      };
      await askAll(listShards(configuration), cleanUpShard, SHARDS_AT_ONCE);
      const count = (verdict: CleanupVerdict['verdict']): number => counts.get(verdict) ?? 0;
      let refused = 0;
      for (const [verdict, number] of counts) if (!AS_EXPECTED.has(verdict)) refused += number;
      if (!json) {
        const removed = dryRun ? `${count('would_remove')} would be removed` : `${count('removed')} removed`;
        print(`${removed}, ${count('kept')} kept, ${refused} refused`);
      }
      return refused === 0 ? 0 : 1;
    },
    { shardCount: configuration.dryRun ? 'compare' : 'record' },
  );
