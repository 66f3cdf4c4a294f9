import { restoreShard, type RestoreProgress } from '@streamfold/archive';
import type { Command } from '../environment.ts';
import { withArchive } from '../with-archive.ts';
import { withRedis } from '../with-redis.ts';
import { noArchive } from './archive.ts';

const HOUR_MS = 3_600_000;
/** Entries in the stream while it is restored: about 100 MB, and enough that aggregators never wait. */
const MOST_AHEAD = 500_000;
/** Progress is shown after each batch of this number of entries. */
const PROGRESS_ENTRIES = 100_000;

/** Appends the entries of an archive to the empty streams of an empty Redis, with their old IDs. Exit code 1 if stopped. */
export const archiveRestore: Command = ({ configuration, print, printError, stop, pause }) =>
  withArchive(configuration, (archive) => {
    if (archive === undefined) throw noArchive();
    return withRedis(configuration, async (redis) => {
      const { prefix, shards, retentionHours, json } = configuration;
      const restored: { readonly shard: number; readonly entries: number }[] = [];
      for (let shard = 0; shard < shards && !stop.aborted; shard++) {
        const onProgress = showProgress(shard, printError);
        const retentionMs = retentionHours * HOUR_MS;
        const options = { prefix, shard, shards, archive, retentionMs, mostAhead: MOST_AHEAD, pause, stop };
        const entries = await restoreShard(redis, { ...options, onProgress });
        restored.push({ shard, entries });
        if (!json) print(`shard ${shard}: ${entries.toLocaleString('en')} entries restored`);
      }
      if (json) print(JSON.stringify({ shards: restored }, null, 2));
      if (stop.aborted) printError('streamfold: interrupted; the same command resumes from here');
      return stop.aborted ? 1 : 0;
    });
  });

function showProgress(
  shard: number,
  printError: (line: string) => void,
): (progress: RestoreProgress) => void {
  let shown = 0;
  let waited = false;
  return ({ entries, ofEntries, waiting }) => {
    if (waiting && !waited) {
      printError(`shard ${shard}: waiting for an aggregator to fold the restored entries …`);
    }
    waited = waiting;
    if (entries - shown < PROGRESS_ENTRIES) return;
    shown = entries;
    printError(
      `shard ${shard}: ${entries.toLocaleString('en')} of ${ofEntries.toLocaleString('en')} entries …`,
    );
  };
}
