import {
  compareReplicas,
  findGeneration,
  verifyShard,
  type Difference,
  type Generation,
  type ReplicaComparison,
  type Verification,
} from '@streamfold/aggregator';
import type { RedisConnection } from '@streamfold/redis';
import type { Configuration } from '../configuration.ts';
import { count } from '../count.ts';
import type { Command } from '../environment.ts';
import { createProgressDisplay } from '../progress-display.ts';
import { readDefinitions } from '../read-definitions.ts';
import { withArchive } from '../with-archive.ts';
import { withRedis } from '../with-redis.ts';

/** Number of series whose first difference is printed; JSON has all. */
const SHOWN_SERIES = 20;

/** Folds the log independently and compares with the live state: 0 if they are equal, 1 if not. */
export const verify: Command = (environment) => {
  const { configuration, print, printError } = environment;
  return withArchive(configuration, (archive) =>
    withRedis(
      configuration,
      async (redis) => {
        const { prefix, shards, json } = configuration;
        const verifications: Verification[] = [];
        const generations: Generation[] = [];
        for (let shard = 0; shard < shards; shard++) {
          const generation = await findGeneration(redis, { prefix, shard });
          if (generation === undefined) {
            printError(
              `streamfold: shard ${shard}: expected a generation to verify; no aggregator has run yet`,
            );
            continue;
          }
          generations.push(generation);
          const display = createProgressDisplay(environment);
          const onProgress = (entries: number): void => display.show(`shard ${shard}`, { entries });
          verifications.push(await verifyShard(redis, generation, { shards, archive, onProgress }));
        }
        const replicas = await compareAll(redis, { configuration, generations });
        const equal =
          verifications.length === shards &&
          verifications.every((each) => each.equal) &&
          replicas.every(({ outcome }) => outcome === 'equal');
        if (json) {
          const compared = configuration.replica === '' ? {} : { replicas };
          print(JSON.stringify({ equal, shards: verifications, ...compared }, null, 2));
        } else {
          for (const each of verifications)
            for (const line of describe(each, archive !== undefined)) print(line);
          for (const each of replicas) for (const line of describeReplica(each)) print(line);
        }
        return equal ? 0 : 1;
      },
      { shardCount: 'compare' },
    ),
  );
};

/** Compares the output of the named aggregators; nothing if none is named, or nothing has been folded yet. */
async function compareAll(
  redis: RedisConnection,
  { configuration, generations }: { configuration: Configuration; generations: readonly Generation[] },
): Promise<ReplicaComparison[]> {
  const [first] = generations;
  if (configuration.replica === '' || first === undefined) return [];
  const { seriesLimit } = await readDefinitions(configuration);
  const { catalogue } = first;
  return compareReplicas(redis, {
    generations,
    catalogue,
    seriesLimit,
    urls: configuration.replica,
    now: () => performance.now(),
  });
}

function describeReplica({ url, outcome, detail, differences }: ReplicaComparison): string[] {
  switch (outcome) {
    case 'equal':
      return [`replica ${url}: equal`];
    case 'not_served':
      return [`replica ${url}: serves no metrics: ${detail}`];
    case 'differs': {
      const lines = [`replica ${url}: ${count(differences.length, 'difference')}`];
      for (const { what, replica, expected } of differences.slice(0, SHOWN_SERIES))
        lines.push(`  ${what}: replica ${replica ?? 'nothing'}, expected ${expected ?? 'nothing'}`);
      const more = differences.length - SHOWN_SERIES;
      if (more > 0) lines.push(`  … and ${more} more; --json shows all`);
      return lines;
    }
  }
}

function describe(verification: Verification, withAnArchive: boolean): string[] {
  const { shard, generation, entries, pendingEntries, missingEntries, gaps, equal, comparable, differences } =
    verification;
  const verdict = equal
    ? 'equal'
    : !comparable
      ? 'cannot be compared'
      : count(differences.length, 'difference');
  const lines = [
    `shard ${shard}, generation ${generation}: ${verdict} (${count(entries, 'entry', 'entries')} folded, ${pendingEntries} pending)`,
  ];
  if (missingEntries > 0) {
    const where = withAnArchive
      ? 'no longer in the stream or the archive'
      : 'no longer in the stream, and no archive is named (--archive)';
    lines.push(
      `  ${count(missingEntries, 'entry is', 'entries are')} ${where}: their counts cannot be folded again`,
    );
  }
  for (const gap of gaps) lines.push(`  ${gap}`);
  if (!comparable) return lines;
  const bySeries = groupBySeries(differences);
  for (const [first, ...more] of [...bySeries.values()].slice(0, SHOWN_SERIES)) {
    const { what, live, folded } = first;
    const others = more.length === 0 ? '' : `, and ${more.length} more of this series`;
    lines.push(`  ${what}: live ${live ?? 'nothing'}, folded ${folded ?? 'nothing'}${others}`);
  }
  if (bySeries.size > SHOWN_SERIES) {
    lines.push(`  … and of ${bySeries.size - SHOWN_SERIES} more series; --json shows all`);
  }
  return lines;
}

/** The differences of each series, in order; all samples of a histogram are one series. */
function groupBySeries(differences: readonly Difference[]): Map<string, [Difference, ...Difference[]]> {
  const groups = new Map<string, [Difference, ...Difference[]]>();
  for (const difference of differences) {
    const series = difference.what.replace(/_(?:bucket|sum|count)\{/, '{').replace(/,?le="[^"]*"\}$/, '}');
    const group = groups.get(series);
    if (group === undefined) groups.set(series, [difference]);
    else group.push(difference);
  }
  return groups;
}
