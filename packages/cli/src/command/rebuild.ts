import { hostname } from 'node:os';
import type { Archive } from '@streamfold/archive';
import { describeDepartures } from '@streamfold/core';
import {
  cancelRebuild,
  type CancelOutcome,
  openLogBeyondRedis,
  rebuild as runRebuild,
  type RebuildOptions,
  type RebuildOutcome,
} from '@streamfold/aggregator';
import { count } from '../count.ts';
import type { Command, Environment, ExitCode } from '../environment.ts';
import { readDefinitions } from '../read-definitions.ts';
import { createProgressDisplay } from '../progress-display.ts';
import { withArchive } from '../with-archive.ts';
import { withRedis } from '../with-redis.ts';

/** Number of differences that are printed; JSON has all. */
const SHOWN_DIFFERENCES = 20;

/** Folds everything again with the configured definitions and switches to the result. Exit code 1 if it did not switch. */
export const rebuild: Command = async (environment) => {
  const { configuration, print, printError } = environment;
  if (configuration.cancel) return cancel(environment);
  const { catalogue } = await readDefinitions(configuration);
  for (const departure of describeDepartures(catalogue))
    printError(`${departure}: alerts and panels that query them will show nothing`);
  return withArchive(configuration, (archive) =>
    withRedis(
      configuration,
      async (redis): Promise<ExitCode> => {
        const options = createOptions(environment, redis, { catalogue, archive });
        const outcome = await runRebuild(options, environment.stop);
        if (configuration.json) print(JSON.stringify(outcome, null, 2));
        else
          for (const line of describe(outcome, archive !== undefined))
            (outcome.outcome === 'switched' ? print : printError)(line);
        return outcome.outcome === 'switched' ? 0 : 1;
      },
      { shardCount: 'compare' },
    ),
  );
};

/** Needs no definitions and no archive: a rebuild can be cancelled even if these can no longer be read. */
function cancel({ configuration, print }: Environment): Promise<ExitCode> {
  return withRedis(
    configuration,
    async (redis): Promise<ExitCode> => {
      const done = await cancelRebuild(redis, configuration);
      const cancelled = done.outcome === 'cancelled' ? done.id : null;
      const removed = done.outcome === 'removed' ? done.id : null;
      print(configuration.json ? JSON.stringify({ cancelled, removed }) : describeCancel(done));
      return 0;
    },
    { shardCount: 'compare' },
  );
}

function describeCancel(done: CancelOutcome): string {
  switch (done.outcome) {
    case 'cancelled':
      return `cancelled the rebuild of generation ${done.id} and removed everything that it had built`;
    case 'removed':
      return `no rebuild is running; finished the removal of generation ${done.id}, which an earlier run began`;
    case 'nothing':
      return 'no rebuild is running';
  }
}

function createOptions(
  environment: Environment,
  redis: RebuildOptions['redis'],
  { catalogue, archive }: { catalogue: RebuildOptions['catalogue']; archive: Archive | undefined },
): RebuildOptions {
  const { configuration, createId, now, pause, printError } = environment;
  const { redis: redisUrl, prefix, shards, claimIdleMs, batchEntries, force } = configuration;
  const display = createProgressDisplay(environment);
  return {
    redis,
    redisUrl,
    prefix,
    shards,
    catalogue,
    log: archive && openLogBeyondRedis(redis, { prefix, archive, acceptGaps: force }),
    force,
    consumer: `rebuild-${hostname()}-${process.pid}-${createId().slice(0, 8)}`,
    claimIdleMs,
    batchEntries,
    observe: (fact) => {
      if (fact.type === 'failed') printError(`${fact.step}: ${fact.error.message}; trying again`);
    },
    onBegin: ({ id, live, resumed }) => {
      const how = resumed ? 'resuming' : 'building';
      printError(
        `${how} generation ${id}; generation ${live} is served until then (Ctrl-C stops, the same command resumes)`,
      );
    },
    onLeftOut: (missing) => {
      for (const { shard, entries } of missing)
        printError(
          `shard ${shard}: ${count(entries, 'entry is', 'entries are')} skipped: in neither the stream nor an archive`,
        );
    },
    onProgress: ({ stage, foldedEntries, leftEntries }) =>
      display.show(STAGES[stage], { entries: foldedEntries, ofEntries: foldedEntries + leftEntries }),
    now,
    pause,
  };
}

const STAGES = {
  archive: 'archive',
  stream: 'stream',
  comparing: 'comparing with the live generation',
} as const;

function describe(outcome: RebuildOutcome, withAnArchive: boolean): string[] {
  switch (outcome.outcome) {
    case 'switched': {
      const { from, to, compared } = outcome;
      const agreed = compared ? '; both have the same values' : '';
      return [`generation ${to} is live and replaces ${from}${agreed}`];
    }
    case 'none_live':
      return ['streamfold: expected a generation to rebuild; no aggregator has run yet'];
    case 'busy':
      return [
        `streamfold: expected no other rebuild; generation ${outcome.building} is being built with other definitions (streamfold rebuild --cancel removes it)`,
      ];
    case 'missing':
      return outcome.shards.map(
        ({ shard, entries }) =>
          `streamfold: shard ${shard}: expected all entries in the stream or in the archive; ${count(entries, 'entry is', 'entries are')} ${withAnArchive ? 'in neither' : 'not in the stream, and no archive is named (--archive)'}: the metrics would lose their counts (--force rebuilds without them)`,
      );
    case 'stopped':
      return [`stopped; the same command resumes generation ${outcome.building}, --cancel removes it`];
    case 'cancelled':
      return [
        `streamfold: the rebuild of generation ${outcome.building} was cancelled while this command ran`,
      ];
    case 'differs': {
      const { building, differences } = outcome;
      const shown = differences
        .slice(0, SHOWN_DIFFERENCES)
        .map(
          ({ shard, what, live, folded }) =>
            `  shard ${shard}: ${what}: live ${live ?? 'nothing'}, rebuilt ${folded ?? 'nothing'}`,
        );
      const more = differences.length - shown.length;
      return [
        `streamfold: generation ${building} has the same definitions as the live one, but they differ in ${count(differences.length, 'place')}; not switched (--force switches anyway, --cancel removes it)`,
        ...shown,
        ...(more > 0 ? [`  … and ${more} more; --json shows all`] : []),
      ];
    }
  }
}
