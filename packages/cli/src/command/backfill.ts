import { backfill, type BackfillProgress } from '@streamfold/aggregator';
import { CATALOGUE, type Catalogue } from '@streamfold/core';
import { ConfigurationError, readServerTimeMs } from '@streamfold/redis';
import { openOutput } from '../backfill/open-output.ts';
import { readStream } from '../backfill/read-stream.ts';
import { createProgressLine, show } from '../backfill/show-progress.ts';
import type { Command, ExitCode } from '../environment.ts';
import { didYouMean } from '../usage-error.ts';
import { withRedis } from '../with-redis.ts';

/** The job of infra/prometheus/prometheus.yml. */
const DEFAULT_LABELS: ReadonlyMap<string, string> = new Map([['job', 'blocking-coordination']]);

/** Writes what the metrics were in the past, out of the log. */
export const backfillCommand: Command = async (environment) => {
  const { configuration, printError, now } = environment;
  const { prefix, shards, step: stepSeconds, from, until, output: file } = configuration;
  const catalogue = chooseMetrics(CATALOGUE, configuration.metrics);
  if (from !== '' && until !== '' && from > until) {
    throw new ConfigurationError(
      `--from, --until: expected the first to be before the second; got ${show8601(from)} and ${show8601(until)}`,
    );
  }
  const startedMs = now();
  return withRedis(
    configuration,
    async (redis): Promise<ExitCode> => {
      const untilMs = until === '' ? await readServerTimeMs(redis) : until;
      const logs = Array.from({ length: shards }, (_, shard) => readStream(redis, { prefix, shard }));
      const output = await openOutput(file, environment);
      try {
        const done = await backfill({
          logs,
          catalogue,
          labels: configuration.labels === '' ? DEFAULT_LABELS : configuration.labels,
          stepSeconds,
          fromMs: from === '' ? undefined : from,
          untilMs,
          write: (text) => output.write(text),
          onProgress: createProgressLine(environment),
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
  );
};

/** @throws {ConfigurationError} where there is no metric of such a name. */
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
  const skipped = deadLetters === 0 ? '' : `, ${show(deadLetters)} events that cannot be folded left out`;
  return `backfill: ${show(steps)} steps, ${show(samples)} samples of ${show(entries)} entries${skipped}, in ${(elapsedMs / 1_000).toFixed(1)} s`;
}

function show8601(ms: number): string {
  return new Date(ms).toISOString();
}
