import { checkSegment, LogError, readSegments } from '@streamfold/archive';
import { count } from '../count.ts';
import type { Command } from '../environment.ts';
import { withArchive } from '../with-archive.ts';
import { noArchive } from './archive.ts';

/** Reads every segment of an archive and checks it against its manifest. Exit code 1 if one is missing or damaged. */
export const archiveCheck: Command = ({ configuration, print, printError, stop }) =>
  withArchive(configuration, async (archive) => {
    if (archive === undefined) throw noArchive();
    const { shards, json } = configuration;
    const faults: string[] = [];
    const checked: { shard: number; segments: number; entries: number }[] = [];
    for (let shard = 0; shard < shards && !stop.aborted; shard++) {
      let segments = 0;
      let entries = 0;
      try {
        for await (const segment of readSegments(archive, shard)) {
          segments++;
          entries += segment.entries;
          await checkSegment(archive, segment).catch((error: unknown) => {
            if (!(error instanceof LogError)) throw error;
            faults.push(error.message);
          });
        }
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        faults.push(error.message); // segments after a missing manifest cannot be checked
      }
      checked.push({ shard, segments, entries });
      if (!json) {
        print(
          `shard ${shard}: ${count(segments, 'segment', 'segments')}, ${count(entries, 'entry', 'entries')}`,
        );
      }
    }
    if (json) print(JSON.stringify({ sound: faults.length === 0, shards: checked, faults }, null, 2));
    else for (const fault of faults) printError(`streamfold: ${fault}`);
    return faults.length === 0 ? 0 : 1;
  });
