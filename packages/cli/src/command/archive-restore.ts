import { restoreShard, type RestoreProgress } from '@streamfold/archive';
import { count } from '../count.ts';
import type { Command } from '../environment.ts';
import { createProgressDisplay } from '../progress-display.ts';
import { withArchive } from '../with-archive.ts';
import { withRedis } from '../with-redis.ts';
import { noArchive } from './archive.ts';

const HOUR_MS = 3_600_000;
/** Entries in the stream while it is restored: about 100 MB, and enough that aggregators never wait. */
const MOST_AHEAD = 500_000;

/** Appends the entries of an archive to the empty streams of an empty Redis, with their old IDs. Exit code 1 if stopped. */
export const archiveRestore: Command = (environment) => {
  const { configuration, print, printError, stop, pause } = environment;
  return withArchive(configuration, (archive) => {
    if (archive === undefined) throw noArchive();
    return withRedis(configuration, async (redis) => {
      const { prefix, shards, retentionHours, json } = configuration;
      const restored: { readonly shard: number; readonly entries: number }[] = [];
      for (let shard = 0; shard < shards && !stop.aborted; shard++) {
        const display = createProgressDisplay(environment);
        const onProgress = ({ waiting, ...progress }: RestoreProgress): void =>
          display.show(`shard ${shard}${waiting ? ', waiting for an aggregator' : ''}`, progress);
        const retentionMs = retentionHours * HOUR_MS;
        const options = { prefix, shard, shards, archive, retentionMs, mostAhead: MOST_AHEAD, pause, stop };
        const entries = await restoreShard(redis, { ...options, onProgress });
        restored.push({ shard, entries });
        if (!json) print(`shard ${shard}: ${count(entries, 'entry', 'entries')} restored`);
      }
      if (json) print(JSON.stringify({ shards: restored }, null, 2));
      if (stop.aborted) printError('streamfold: interrupted; the same command resumes from here');
      return stop.aborted ? 1 : 0;
    });
  });
};
