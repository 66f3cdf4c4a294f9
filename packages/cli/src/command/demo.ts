import { setMaxListeners } from 'node:events';
import { isPortFree, startPrivateRedis } from '@streamfold/private-servers';
import { redactUrl, type RedisConnection } from '@streamfold/redis';
import { CAST } from '../demo/cast.ts';
import { directCast } from '../demo/direct-cast.ts';
import { followSwarm, type SwarmFollower } from '../demo/follow-swarm.ts';
import { createSummaryDisplay } from '../demo/show-summary.ts';
import { startAggregator, type AggregatorProcess } from '../demo/start-aggregator.ts';
import type { Command, Environment } from '../environment.ts';
import type { Configuration } from '../settings.ts';
import { withRedis } from '../with-redis.ts';

/** The summary is shown this often in a terminal, and elsewhere, where each is a new line. */
const REDRAW_MS = 500;
const LINE_MS = 2_000;
/** What was published last is waited for this long at the end. */
const SETTLE_MS = 2_000;
/** The monitors watch soon: the coordinators of the demo beat every second. */
const DEMO_GRACE_MS = 3_000;

/**
 * Everything on this machine: a Redis of its own (or the one that was named), two aggregators and a swarm, and a summary
 * of it, until Ctrl-C or for so many seconds. All that was started ends with it.
 */
export const demo: Command = async (environment) => {
  const { configuration, print } = environment;
  const server = configuration.given.has('redis') ? undefined : await startPrivateRedis();
  const aggregators: AggregatorProcess[] = [];
  try {
    const settled = { ...configuration, redis: server?.url ?? configuration.redis };
    await withRedis(settled, async (redis) => {
      for (const port of [configuration.port, 0]) aggregators.push(await startOn(port, settled));
      introduce(settled, aggregators, print);
      await runSwarms(redis, { ...environment, configuration: settled }, aggregators);
    });
    return 0;
  } finally {
    await Promise.all(aggregators.map((aggregator) => aggregator.stop()));
    await server?.stop();
  }
};

/** On `port`; where nobody asked for that one and it is taken, on a free one. */
async function startOn(port: number, configuration: Configuration): Promise<AggregatorProcess> {
  const { redis, prefix, shards, host, monitorGraceMs, given } = configuration;
  return startAggregator({
    STREAMFOLD_REDIS_URL: redis,
    STREAMFOLD_PREFIX: prefix,
    STREAMFOLD_SHARDS: String(shards),
    STREAMFOLD_HOST: host,
    STREAMFOLD_MONITOR_GRACE_MS: String(given.has('monitorGraceMs') ? monitorGraceMs : DEMO_GRACE_MS),
    STREAMFOLD_PORT: String(given.has('port') || (await isPortFree(host, port)) ? port : 0),
  });
}

function introduce(
  { redis, prefix, shards }: Configuration,
  aggregators: readonly AggregatorProcess[],
  print: (line: string) => void,
): void {
  const url = aggregators[0]?.url ?? '';
  const options = `--redis ${redactUrl(redis)}${prefix === 'streamfold' ? '' : ` --prefix ${prefix}`}${shards === 1 ? '' : ` --shards ${shards}`}`;
  const swarms = new Set(CAST.map(({ swarmId }) => swarmId)).size;
  print(`
Streamfold demo: ${CAST.length} coordinators in ${swarms} swarms, a process each, and ${aggregators.length} aggregators

  metrics of the swarms   ${url}/prometheus/metrics
  health                  ${url}/prometheus/health
  each process's own      ${aggregators.map((aggregator) => `${aggregator.url}/metrics`).join('  ')}
  Redis                   ${redactUrl(redis)}

  npx streamfold publish ${options} signal.sent swarm_id=s1 sender_id=a receiver_id=b signal_type=handoff
  npx streamfold status ${options}
  npx streamfold verify ${options}

Ctrl-C stops all of it.
`);
}

/** Lets the swarms live and shows what is folded, until it is told to stop, the time is over, or an aggregator fails. */
async function runSwarms(
  redis: RedisConnection,
  environment: Environment,
  aggregators: readonly AggregatorProcess[],
): Promise<void> {
  const { configuration, stop, print, terminal, now, pause, random } = environment;
  const { redis: redisUrl, prefix, shards, seconds } = configuration;
  const over = new AbortController();
  const ends = [stop, over.signal, ...(seconds > 0 ? [AbortSignal.timeout(seconds * 1_000)] : [])];
  const ended = AbortSignal.any(ends);
  setMaxListeners(0, ended); // every process listens to it
  let failure: string | undefined;
  for (const aggregator of aggregators) {
    void aggregator.failed.then((how) => {
      failure = `an aggregator has ended: ${how}`;
      over.abort();
    });
  }
  const playing = directCast(CAST, { redisUrl, prefix, shards, pause, random }, ended);
  try {
    const follower = await followSwarm(redis, { prefix, shards }, now);
    const display = createSummaryDisplay(print, terminal);
    const startedMs = now();
    while (!ended.aborted) {
      await pause(terminal ? REDRAW_MS : LINE_MS, ended);
      display.show(await follower.read(), now() - startedMs);
    }
    await playing;
    if (failure !== undefined) throw new Error(failure);
    await conclude(follower, environment);
  } finally {
    over.abort();
    await playing;
  }
}

/** Lets the aggregators fold what came last, and tells how much it was. */
async function conclude(follower: SwarmFollower, { print, now }: Environment): Promise<void> {
  const deadlineMs = now() + SETTLE_MS;
  let summary = await follower.read();
  while (summary.lagEntries > 0 && now() < deadlineMs) summary = await follower.read();
  print(`\nstopped: ${summary.events.toLocaleString('en')} events folded, lag ${summary.lagEntries}`);
}
