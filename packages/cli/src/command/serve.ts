import type { Archive } from '@streamfold/archive';
import { nameConsumer, runAggregator, type Archiving } from '@streamfold/aggregator';
import { redactUrl } from '@streamfold/redis';
import type { Configuration } from '../configuration.ts';
import type { Command } from '../environment.ts';
import { readDefinitions } from '../read-definitions.ts';
import { createLog, logFact } from '../log.ts';
import { withArchive } from '../with-archive.ts';

const HOUR_MS = 3_600_000;

/** Aggregates until it is stopped. */
export const serve: Command = async (environment) => {
  const { configuration, stop, terminal, version, listening, now, createId, pause } = environment;
  const log = createLog(configuration.logLevel, terminal);
  const { redis, prefix, shards, host, port, role, claimIdleMs, batchEntries, deadLettersMost } =
    configuration;
  const { monitorGraceMs, generationGraceMs, endedForHours, acceptLostState } = configuration;
  const definitions = await readDefinitions(configuration);
  const consumer = configuration.consumer || nameConsumer(createId);
  log.info({ version, redis: redactUrl(redis), shards, role, consumer }, 'starting');
  await withArchive(configuration, (archive) =>
    runAggregator(
      {
        archiving: planArchiving(configuration, archive),
        redisUrl: redis,
        prefix,
        shards,
        host,
        port,
        consumer,
        role,
        claimIdleMs,
        batchEntries,
        deadLettersMost,
        definitions,
        monitorGraceMs,
        generationGraceMs,
        endedForMs: endedForHours * HOUR_MS,
        acceptLostState,
        version,
        observe: (fact) => logFact(log, fact),
        onListening: (url) => {
          log.info({ url, metrics: `${url}/prometheus/metrics` }, 'listening');
          listening(url);
        },
        now,
        pause,
        createId,
      },
      stop,
    ),
  );
  log.info('stopped');
  return 0;
};

/** Without an archive nothing is trimmed unless a retention is set; with one it has a default. */
function planArchiving(
  { archiveEverySeconds, archiveAfterSeconds, retentionHours, given }: Configuration,
  archive: Archive | undefined,
): Archiving | undefined {
  if (archive === undefined && !given.has('retentionHours')) return undefined;
  return {
    archive,
    everyMs: archiveEverySeconds * 1_000,
    settleMs: archiveAfterSeconds * 1_000,
    retentionMs: retentionHours * HOUR_MS,
  };
}
