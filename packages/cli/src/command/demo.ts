import { setMaxListeners } from 'node:events';
import { isPortFree, startPrivateRedis } from '@streamfold/private-servers';
import { ConfigurationError, redactUrl, toError, type RedisConnection } from '@streamfold/redis';
import { count } from '../count.ts';
import { chooseCast } from '../demo/cast.ts';
import { directCast } from '../demo/direct-cast.ts';
import { firstAbort } from '../demo/first-abort.ts';
import { runCoordinators } from '../demo/run-coordinators.ts';
import { followSwarm, type SwarmFollower } from '../demo/follow-swarm.ts';
import { createSummaryDisplay } from '../demo/show-summary.ts';
import { startAggregator, type AggregatorProcess } from '../demo/start-aggregator.ts';
import type { Command, Environment } from '../environment.ts';
import type { Configuration } from '../configuration.ts';
import { withRedis } from '../with-redis.ts';

/** Intervals of the summary, in a terminal and elsewhere (there each summary is a new line). */
const REDRAW_MS = 500;
const LINE_MS = 2_000;
/** The first event must arrive within this time. Coordinators are processes, which start slowly on a busy machine. */
const FIRST_EVENT_DEADLINE_MS = 30_000;
/** At the end, waits this long for the last events to be folded. */
const SETTLE_MS = 10_000;
/** A short grace period: the coordinators of the demo beat every second. */
const DEMO_GRACE_MS = 3_000;
/** Aggregators must be ready within this time, and are polled at this interval. */
const READY_DEADLINE_MS = 20_000;
const READY_LOOK_MS = 50;

/**
 * Everything on this machine: a private Redis (or the one that is named), two aggregators, a swarm and a summary, until
 * Ctrl-C or for a number of seconds. Stops all that it started. With `--coordinators-only` it runs the swarm alone.
 */
export const demo: Command = async (environment) => {
  const { configuration, print } = environment;
  if (configuration.coordinatorsOnly) {
    await runCoordinators(environment);
    return 0;
  }
  const server = configuration.given.has('redis') ? undefined : await startPrivateRedis();
  const aggregators: AggregatorProcess[] = [];
  try {
    const settled = { ...configuration, redis: server?.url ?? configuration.redis };
    await withRedis(settled, async (redis) => {
      const port = await choosePort(settled);
      const starts = await Promise.allSettled([port, 0].map((each) => startOn(each, settled)));
      for (const start of starts) if (start.status === 'fulfilled') aggregators.push(start.value);
      if (environment.stop.aborted) return; // Ctrl-C ends them too, perhaps before they are up
      for (const start of starts) if (start.status === 'rejected') throw start.reason;
      if (port !== configuration.port) print(`port ${configuration.port} is in use; using another one`);
      await awaitReady(aggregators, environment);
      if (environment.stop.aborted) return;
      introduce(settled, aggregators, print);
      await runSwarms(redis, { ...environment, configuration: settled }, aggregators);
    });
    return 0;
  } finally {
    await Promise.all(aggregators.map((aggregator) => aggregator.stop()));
    await server?.stop();
  }
};

/** The configured port; 0 (a free one) if the default port is in use. */
async function choosePort({ host, port, given }: Configuration): Promise<number> {
  if (port === 0 || (await isPortFree(host, port))) return port;
  if (!given.has('port')) return 0;
  throw new ConfigurationError(
    `STREAMFOLD_PORT (--port): expected a free port of ${host}; ${port} is in use`,
  );
}

async function startOn(port: number, configuration: Configuration): Promise<AggregatorProcess> {
  const { redis, prefix, shards, host, monitorGraceMs, given } = configuration;
  return startAggregator({
    STREAMFOLD_REDIS_URL: redis,
    STREAMFOLD_PREFIX: prefix,
    STREAMFOLD_SHARDS: String(shards),
    STREAMFOLD_HOST: host,
    STREAMFOLD_MONITOR_GRACE_MS: String(given.has('monitorGraceMs') ? monitorGraceMs : DEMO_GRACE_MS),
    STREAMFOLD_PORT: String(port),
  });
}

/**
 * Resolves when each of them has opened the shards and can serve, or as soon as `stop` is aborted.
 *
 * @throws {Error} if one is not ready by the deadline; the text holds its own reason.
 */
async function awaitReady(
  aggregators: readonly AggregatorProcess[],
  { stop, pause, now }: Environment,
): Promise<void> {
  const deadlineMs = now() + READY_DEADLINE_MS;
  for (const { url } of aggregators) {
    for (let why = await readUnreadiness(url); why !== undefined && !stop.aborted;) {
      if (now() > deadlineMs)
        throw new Error(`${url}: expected it to be ready within ${READY_DEADLINE_MS / 1_000} s; got ${why}`);
      await pause(READY_LOOK_MS, stop);
      why = await readUnreadiness(url);
    }
  }
}

/** GET /readyz: why the aggregator is not ready, or `undefined` when it is. */
async function readUnreadiness(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/readyz`);
    const text = await response.text();
    return response.ok ? undefined : text.trim();
  } catch (error) {
    return toError(error).message;
  }
}

function introduce(
  { redis, prefix, shards, scenario, given }: Configuration,
  aggregators: readonly AggregatorProcess[],
  print: (line: string) => void,
): void {
  const url = aggregators[0]?.url ?? '';
  const options = `--redis ${redactUrl(redis)}${prefix === 'streamfold' ? '' : ` --prefix ${prefix}`}${shards === 1 ? '' : ` --shards ${shards}`}`;
  const cast = chooseCast(scenario);
  const swarms = new Set(cast.map(({ swarmId }) => swarmId)).size;
  print(`
Streamfold demo: ${cast.length} coordinators in ${swarms} swarms, a process each, and ${aggregators.length} aggregators

  metrics of the swarms   ${url}/prometheus/metrics
  health                  ${url}/prometheus/health
  each process's own      ${aggregators.map((aggregator) => `${aggregator.url}/metrics`).join('  ')}
  Redis                   ${redactUrl(redis)}${given.has('redis') ? `, which is yours: the demo's swarms stay in its keys ${prefix}:*` : ''}

  npx streamfold publish ${options} signal.sent swarm_id=s1 sender_id=a receiver_id=b signal_type=handoff
  npx streamfold status ${options}
  npx streamfold verify ${options}

Ctrl-C stops all of it.
`);
}

/** Runs the swarms and shows what is folded, until it is stopped, the time is over, or an aggregator fails. */
async function runSwarms(
  redis: RedisConnection,
  environment: Environment,
  aggregators: readonly AggregatorProcess[],
): Promise<void> {
  const { configuration, stop, print, terminal, now, pause, random } = environment;
  const { redis: redisUrl, prefix, shards, seconds } = configuration;
  const over = new AbortController();
  const ended = firstAbort(stop, over.signal);
  setMaxListeners(0, ended); // each process adds a listener
  let failure: string | undefined;
  for (const aggregator of aggregators) {
    void aggregator.failed.then((how) => {
      failure = `an aggregator ended: ${how}`;
      over.abort();
    });
  }
  const follower = await followSwarm(redis, { prefix, shards }, now);
  const foldedBefore = (await follower.read()).events;
  const playing = directCast(
    chooseCast(configuration.scenario),
    { redisUrl, prefix, shards, pause, random },
    ended,
  );
  try {
    const display = createSummaryDisplay(print, terminal);
    await awaitMoreEvents(follower, foldedBefore, { stop: ended, pause, now });
    const startedMs = now();
    const remainingMs = (): number => (seconds > 0 ? seconds * 1_000 - (now() - startedMs) : Infinity);
    while (!ended.aborted && remainingMs() > 0) {
      await pause(Math.min(remainingMs(), terminal ? REDRAW_MS : LINE_MS), ended);
      display.show(await follower.read(), now() - startedMs);
    }
    over.abort();
    await playing;
    if (failure !== undefined) throw new Error(failure);
    await conclude(follower, environment);
  } finally {
    over.abort();
    await playing;
  }
}

/**
 * Resolves when the first event of the demo has been folded (its time counts from then), or as soon as `stop` is aborted.
 *
 * @throws {Error} if none arrives by the deadline.
 */
async function awaitMoreEvents(
  follower: SwarmFollower,
  foldedBefore: number,
  { stop, pause, now }: Pick<Environment, 'stop' | 'pause' | 'now'>,
): Promise<void> {
  const deadlineMs = now() + FIRST_EVENT_DEADLINE_MS;
  while (!stop.aborted && (await follower.read()).events <= foldedBefore) {
    if (now() > deadlineMs)
      throw new Error(`expected a first event within ${FIRST_EVENT_DEADLINE_MS / 1_000} s; none was folded`);
    await pause(READY_LOOK_MS, stop);
  }
}

/** Lets the aggregators fold the last events, and prints the total. */
async function conclude(follower: SwarmFollower, { print, now }: Environment): Promise<void> {
  const deadlineMs = now() + SETTLE_MS;
  let summary = await follower.read();
  while (summary.lagEntries > 0 && now() < deadlineMs) summary = await follower.read();
  print(`\nstopped: ${count(summary.events, 'event')} folded, lag ${summary.lagEntries}`);
}
