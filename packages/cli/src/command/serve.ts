import { hostname } from 'node:os';
import { runAggregator } from '@streamfold/aggregator';
import { redactUrl } from '@streamfold/redis';
import type { Command } from '../environment.ts';
import { readDefinitions } from '../read-definitions.ts';
import { createLog, logFact } from '../log.ts';

/** Aggregates until it is told to stop. */
export const serve: Command = async ({ configuration, stop, terminal, version, now, createId, pause }) => {
  const log = createLog(configuration.logLevel, terminal);
  const { redis, prefix, shards, host, port, role, claimIdleMs, batchEntries } = configuration;
  const { monitorGraceMs, generationGraceMs } = configuration;
  const definitions = await readDefinitions(configuration);
  const consumer = configuration.consumer || `${hostname()}-${process.pid}-${createId().slice(0, 8)}`;
  log.info({ version, redis: redactUrl(redis), shards, role, consumer }, 'starting');
  await runAggregator(
    {
      redisUrl: redis,
      prefix,
      shards,
      host,
      port,
      consumer,
      role,
      claimIdleMs,
      batchEntries,
      definitions,
      monitorGraceMs,
      generationGraceMs,
      version,
      observe: (fact) => logFact(log, fact),
      onListening: (url) => {
        log.info({ url, metrics: `${url}/prometheus/metrics` }, 'listening');
        process.send?.({ url });
      },
      now,
      pause,
      createId,
    },
    stop,
  );
  log.info('stopped');
  return 0;
};
