import { backfill, findGeneration, type BackfillProgress } from '@streamfold/aggregator';
import { measureLog, readStoredLog, type Log } from '@streamfold/archive';
import { CATALOGUE, DEFAULT_DEFINITIONS, isAfter, lastIdAt, type Catalogue } from '@streamfold/core';
import {
  askAll,
  ConfigurationError,
  listShards,
  readServerTimeMs,
  type RedisConnection,
  replyField,
  shardKeys,
} from '@streamfold/redis';
import { count } from '../count.ts';
import type { Command, ExitCode } from '../environment.ts';
import { openOutput } from '../open-output.ts';
import { createProgressDisplay } from '../progress-display.ts';
import { readDefinitions } from '../read-definitions.ts';
import { didYouMean } from '../usage-error.ts';
import { withArchive } from '../with-archive.ts';
import { withRedis } from '../with-redis.ts';

/** The job of infra/prometheus/prometheus.yml. */
const DEFAULT_LABELS: ReadonlyMap<string, string> = new Map([['job', 'blocking-coordination']]);

/** Reconstructs past values of the metrics from the log. */
export const backfillCommand: Command = async (environment) => {
  const { configuration, printError, now } = environment;
  const { prefix, step: stepSeconds, from, until, output: file } = configuration;
  if (from !== '' && until !== '' && from > until) {
    throw new ConfigurationError(
      `--from, --until: expected the first to be before the second; got ${show8601(from)} and ${show8601(until)}`,
    );
  }
  const definitions = await readDefinitions(configuration);
  const startedMs = now();
  return withArchive(configuration, (archive) =>
    withRedis(
      configuration,
      async (redis): Promise<ExitCode> => {
        const defined =
          definitions === DEFAULT_DEFINITIONS
            ? await readLiveCatalogue(redis, prefix)
            : definitions.catalogue;
        const catalogue = chooseMetrics(defined, configuration.metrics);
        const logs = listShards(configuration).map((shard): Log => ({ ...shard, archive }));
        for (const text of await askAll(logs, (log) => describeMissing(redis, log), SHARDS_AT_ONCE))
          if (text !== undefined) printError(text);
        for (const text of until === '' ? await askAll(logs, (log) => describeAhead(redis, log)) : [])
          if (text !== undefined) printError(text);
        const untilMs = until === '' ? await readServerTimeMs(redis) : until;
        const to = lastIdAt(untilMs);
        const output = await openOutput(file, environment);
        // A line that changes would clear lines of the output.
        const terminal = environment.terminal && file !== '';
        const display = createProgressDisplay({ ...environment, terminal });
        try {
          const done = await backfill({
            logs: logs.map((log) => readStoredLog(redis, log, { to })),
            catalogue,
            labels: configuration.labels === '' ? DEFAULT_LABELS : configuration.labels,
            stepSeconds,
            fromMs: from === '' ? undefined : from,
            untilMs,
            write: (text) => output.write(text),
            onProgress: ({ beganMs, atMs, entries, samples }) =>
              display.show(`backfill to ${show8601(atMs)}`, {
                entries,
                share: Math.max(0, (atMs - beganMs) / Math.max(1, untilMs - beganMs)),
                detail: `, ${count(samples, 'sample')}`,
              }),
          });
          await output.finish();
          printError(describe(done, now() - startedMs));
          return 0;
        } catch (error) {
          await output.abandon();
          throw error;
        }
      },
      { shardCount: 'compare' },
    ),
  );
};

/** The metrics that are served now, or those that would be served if none are yet. */
async function readLiveCatalogue(redis: RedisConnection, prefix: string): Promise<Catalogue> {
  return (await findGeneration(redis, { prefix, shard: 0 }))?.catalogue ?? CATALOGUE;
}

/** Shards whose archives are measured at a time: each reads its manifests. */
const SHARDS_AT_ONCE = 16;

/** Entries older than the log, if there are any: their counts are missing from the output. */
async function describeMissing(redis: RedisConnection, log: Log): Promise<string | undefined> {
  const { missingBefore } = await measureLog(redis, log);
  if (missingBefore === 0) return undefined;
  const where =
    log.archive === undefined
      ? 'no longer in the stream, and no archive is named (--archive)'
      : 'no longer in the stream or the archive';
  const which = count(missingBefore, 'entry is', 'entries are');
  return `shard ${log.shard}: ${which} ${where}; their counts are missing from all samples`;
}

/** XINFO STREAM key. Entries whose IDs are ahead of the clock, if there are any: they come after the last step. */
async function describeAhead(redis: RedisConnection, log: Log): Promise<string | undefined> {
  const { events } = shardKeys(log);
  if ((await redis.exists(events)) === 0) return undefined;
  const last = String(replyField((await redis.xinfo('STREAM', events)) as unknown[], 'last-generated-id'));
  if (!isAfter(last, lastIdAt(await readServerTimeMs(redis)))) return undefined;
  return `shard ${log.shard}: IDs are ahead of the clock of Redis, up to ${last}; entries after now are missing from all samples`;
}

/** @throws {ConfigurationError} if no metric has such a name. */
function chooseMetrics(catalogue: Catalogue, given: string): Catalogue {
  if (given === '') return catalogue;
  const names = new Set(given.split(','));
  for (const name of names) {
    if (catalogue.some((metric) => metric.name === name)) continue;
    const known = catalogue.map((metric) => metric.name);
    throw new ConfigurationError(
      `--metrics: expected names of metrics; got ${JSON.stringify(name)}${didYouMean(name, known)}`,
    );
  }
  return catalogue.filter(({ name }) => names.has(name));
}

function describe({ steps, samples, entries, deadLetters }: BackfillProgress, elapsedMs: number): string {
  const skipped = deadLetters === 0 ? '' : `, ${count(deadLetters, 'event')} that cannot be folded left out`;
  return `backfill: ${count(steps, 'step')}, ${count(samples, 'sample')} of ${count(entries, 'entry', 'entries')}${skipped}, in ${(elapsedMs / 1_000).toFixed(1)} s`;
}

function show8601(ms: number): string {
  return new Date(ms).toISOString();
}
