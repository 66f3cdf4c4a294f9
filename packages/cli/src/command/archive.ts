import {
  archiveShard,
  decideArchive,
  trimStream,
  type Archive,
  type ArchiveDecision,
  type Segment,
} from '@streamfold/archive';
import { ConfigurationError, type RedisConnection } from '@streamfold/redis';
import type { Configuration } from '../configuration.ts';
import { count, showNumber } from '../count.ts';
import type { Command, Environment, ExitCode } from '../environment.ts';
import { withArchive } from '../with-archive.ts';
import { withRedis } from '../with-redis.ts';

const HOUR_MS = 3_600_000;

/** The result for one shard, in the form of the JSON output. */
interface ArchivedShard {
  readonly shard: number;
  readonly segments: readonly Pick<Segment, 'sequence' | 'firstId' | 'lastId' | 'entries' | 'bytes'>[];
  readonly entries: number;
  readonly trimmed: number;
}

/** Archives the closed entries of every shard, then trims those that are archived, folded and older than the retention. */
export const archive: Command = (environment) => {
  const { configuration, print } = environment;
  return withArchive(configuration, (opened) => {
    if (opened === undefined) throw noArchive();
    return withRedis(
      configuration,
      async (redis): Promise<ExitCode> => {
        const { shards, json, dryRun } = configuration;
        const decision = readDecision(configuration);
        const done: ArchivedShard[] = [];
        for (let shard = 0; shard < shards && !environment.stop.aborted; shard++) {
          done.push(await archiveOne(redis, { archive: opened, shard, decision, environment }));
        }
        if (json) print(JSON.stringify({ dryRun, shards: done }, null, 2));
        return 0;
      },
      { shardCount: configuration.dryRun ? 'compare' : 'record' },
    );
  });
};

async function archiveOne(
  redis: RedisConnection,
  context: {
    readonly archive: Archive;
    readonly shard: number;
    readonly decision: ArchiveDecision | undefined;
    readonly environment: Environment;
  },
): Promise<ArchivedShard> {
  const { shard, decision, environment } = context;
  const { configuration, print, stop } = environment;
  const { prefix, shards, dryRun, acceptGap, archiveAfterSeconds, retentionHours, json } = configuration;
  const segments: ArchivedShard['segments'][number][] = [];
  if (decision !== undefined) {
    const done = await decideArchive(redis, decision, { prefix, shard, archive: context.archive });
    if (!json) print(`shard ${shard}: ${done}`);
  }
  const entries = await archiveShard(redis, {
    prefix,
    shard,
    shards,
    archive: context.archive,
    settleMs: archiveAfterSeconds * 1_000,
    acceptGap,
    dryRun,
    stop,
    onSegment: ({ sequence, firstId, lastId, entries: archived, bytes, missing }) => {
      segments.push({ sequence, firstId, lastId, entries: archived, bytes });
      if (json) return;
      const gap =
        missing === 0 ? '' : `, ${count(missing, 'entry before it is', 'entries before it are')} missing`;
      print(
        `shard ${shard}: segment ${sequence}${dryRun ? ' would be written' : ''}, ${firstId} to ${lastId}, ${count(archived, 'entry', 'entries')}, ${count(bytes, 'byte')}${gap}`,
      );
    },
  });
  const trimmed = dryRun
    ? 0
    : await trimStream(redis, { prefix, shard, retentionMs: retentionHours * HOUR_MS, onlyArchived: true });
  if (!json) {
    const would = dryRun ? 'would be ' : '';
    const trimming = dryRun ? '' : `, ${showNumber(trimmed)} trimmed`;
    print(`shard ${shard}: ${count(entries, 'entry', 'entries')} ${would}archived${trimming}`);
  }
  return { shard, segments, entries, trimmed };
}

/** The operator's decision if archive and Redis do not match. @throws {ConfigurationError} if there is more than one. */
function readDecision({
  adopt,
  beginNew,
  discardUnrecorded,
  dryRun,
}: Configuration): ArchiveDecision | undefined {
  const decisions = new Map<string, ArchiveDecision>();
  if (adopt) decisions.set('--adopt', 'adopt');
  if (beginNew) decisions.set('--begin-new', 'begin_new');
  if (discardUnrecorded) decisions.set('--discard-unrecorded', 'discard_unrecorded');
  const [decision] = decisions.values();
  if (decisions.size > 1 || (decision !== undefined && dryRun)) {
    const got = [...decisions.keys(), ...(dryRun ? ['--dry-run'] : [])].join(', ');
    throw new ConfigurationError(
      `expected one of --adopt, --begin-new, --discard-unrecorded, and no --dry-run with it; got ${got}`,
    );
  }
  return decision;
}

/** The error of a command that needs an archive if none is configured. */
export function noArchive(): ConfigurationError {
  return new ConfigurationError(
    'STREAMFOLD_ARCHIVE (--archive): expected the location of the archive; got nothing',
  );
}
