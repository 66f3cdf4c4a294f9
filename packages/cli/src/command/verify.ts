import { findGeneration, verifyShard, type Verification } from '@streamfold/aggregator';
import type { Command } from '../environment.ts';
import { withRedis } from '../with-redis.ts';

/** Differences that are printed one by one; JSON has all. */
const SHOWN_DIFFERENCES = 20;
/** Progress is shown after so many entries. */
const PROGRESS_ENTRIES = 100_000;

/** Folds the log independently and compares with the live state: 0 where they are equal, 1 where they are not. */
export const verify: Command = async ({ configuration, print, printError }) =>
  withRedis(
    configuration,
    async (redis) => {
      const { prefix, shards, json } = configuration;
      const verifications: Verification[] = [];
      for (let shard = 0; shard < shards; shard++) {
        const generation = await findGeneration(redis, prefix, shard);
        if (generation === undefined) {
          printError(
            `streamfold: shard ${shard}: expected a generation to verify; no aggregator has run yet`,
          );
          continue;
        }
        let shown = 0;
        const onProgress = (entries: number): void => {
          if (entries - shown < PROGRESS_ENTRIES) return;
          shown = entries;
          printError(`shard ${shard}: ${entries.toLocaleString('en')} entries folded …`);
        };
        verifications.push(await verifyShard(redis, generation, { shards, onProgress }));
      }
      const equal = verifications.length === shards && verifications.every((each) => each.equal);
      if (json) print(JSON.stringify({ equal, shards: verifications }, null, 2));
      else for (const each of verifications) for (const line of describe(each)) print(line);
      return equal ? 0 : 1;
    },
    { shardCount: 'compare' },
  );

function describe(verification: Verification): string[] {
  const { shard, generation, entries, pendingEntries, missingEntries, equal, differences } = verification;
  const lines = [
    `shard ${shard}, generation ${generation}: ${equal ? 'equal' : `${differences.length} differences`} (${entries.toLocaleString('en')} entries folded, ${pendingEntries} pending)`,
  ];
  if (missingEntries > 0) {
    lines.push(
      `  ${missingEntries} entries are in the stream no more; what they added cannot be folded again`,
    );
  }
  for (const { what, live, folded } of differences.slice(0, SHOWN_DIFFERENCES)) {
    lines.push(`  ${what}: live ${live ?? 'nothing'}, folded ${folded ?? 'nothing'}`);
  }
  if (differences.length > SHOWN_DIFFERENCES) {
    lines.push(`  … and ${differences.length - SHOWN_DIFFERENCES} more; --json shows all`);
  }
  return lines;
}
