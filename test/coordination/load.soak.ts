import { test, type ExecutionContext } from '../harness/ava.ts';
import { createRandom } from '../harness/generate-events.ts';
import { startServe } from '../harness/run-streamfold.ts';
import { startRedis, type TestRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { awaitSettled } from './await-settled.ts';
import { compareMetrics } from './compare-metrics.ts';
import { judgeLoad, type Episode } from './judge-load.ts';
import { readEntries } from './read-entries.ts';
import { startSwarm, type Swarm, type SwarmOptions } from './run-swarm.ts';

const GRACE_MS = 1_000;
/** Our promise: a death is reported at most this long after the threshold plus one interval. */
const LATEST_MS = 1_000;
/** Share of the signals to live receivers. */
const ACKED_LEAST = 0.9999;
const AGGREGATORS = 2;
/** Entries that the swarm appends between two kills, plus a random number up to the second one: a second or two. */
const LEAST_BETWEEN = 500;
const MORE_BETWEEN = 2_000;
/** The events of a death, in this order. */
const DEATH = ['heartbeat.stale stale', 'heartbeat.stale timeout', 'timeout heartbeat'] as const;

type Load = Omit<SwarmOptions, 'url' | 'swarmId'> & {
  /** Random kills with immediate replacement, before each of the two deaths and after. */
  readonly killsBetween: number;
};

interface Chaos {
  readonly forever: readonly Death[];
  readonly replaced: readonly Death[];
  /** For processes that were killed and replaced at once: the time until all their coordinators beat again, each time. */
  readonly goneMsOf: ReadonlyMap<string, readonly number[]>;
}

interface Death {
  readonly coordinatorId: string;
  readonly lastBeatMs: number;
}

test.serial('100 coordinators, killed at random: no signal is lost and every death is reported', (t) =>
  survive(t, {
    seed: 11,
    coordinators: 100,
    processes: 4,
    peersEach: 20,
    pauseMs: 250,
    waitMs: 4_000,
    beatMs: 500,
    staleAfterMs: 8_000,
    deadAfterMs: 12_000,
    killsBetween: 4,
  }),
);

test.serial('1,000 coordinators, killed at random: no signal is lost and every death is reported', (t) =>
  survive(t, {
    seed: 12,
    coordinators: 1_000,
    processes: 5,
    peersEach: 4,
    pauseMs: 4_000,
    waitMs: 6_000,
    beatMs: 1_500,
    staleAfterMs: 8_000,
    deadAfterMs: 12_000,
    killsBetween: 1,
  }),
);

async function survive(t: ExecutionContext, load: Load): Promise<void> {
  t.timeout(150_000);
  const server = await startRedis();
  const env = { STREAMFOLD_MONITOR_GRACE_MS: String(GRACE_MS) };
  const aggregators = await Promise.all(
    Array.from({ length: AGGREGATORS }, () => startServe(server.url, env)),
  );
  const swarm = await startSwarm({ ...load, url: server.url, swarmId: 'load' });
  try {
    const deaths = await killAtRandom(swarm, server, load);
    await swarm.fallSilent();
    const dead = new Set(deaths.forever.map(({ coordinatorId }) => coordinatorId));
    const living = swarm.idsOf.flat().filter((id) => !dead.has(id));
    await awaitSettled(server.redis, swarm.swarmId, living);

    const events = await readEntries(server.redis);
    const verdict = judgeLoad(await swarm.readNotes(), events, dead);
    const { due, acked, waits, missing, twice, contradictions, brokenWaits, failures, episodes } = verdict;
    t.log(`${acked} of ${due} signals ACKed; waits: ${JSON.stringify(waits)}; ${events.length} events`);
    t.true(due > 1_000 && acked >= due * ACKED_LEAST, `missing: ${missing.slice(0, 5).join('; ')}`);
    t.deepEqual(
      { twice, contradictions, brokenWaits, failures },
      { twice: [], contradictions: [], brokenWaits: [], failures: [] },
    );

    judgeDeaths(t, deaths, { episodes, load });
    for (const { url } of aggregators) {
      const { differences, samples } = await compareMetrics(events, url);
      t.deepEqual(differences.slice(0, 5), []);
      t.log(`${samples} samples are the same as folded independently`);
    }
  } finally {
    await swarm.end();
    await Promise.all(aggregators.map((aggregator) => aggregator.kill('SIGKILL')));
    await server.stop();
  }
}

function key(name: string): string {
  return `streamfold:{0}:${name}`;
}

/**
 * SIGKILLs processes and replaces them; two are not replaced before they have been declared dead: one comes back then, the
 * other never does.
 */
async function killAtRandom(swarm: Swarm, server: TestRedis, { seed, killsBetween }: Load): Promise<Chaos> {
  const random = createRandom(seed);
  const goneMsOf = new Map<string, number[]>();
  const lost = swarm.idsOf.length - 1;
  const lostLater = 0;
  const killSome = async (): Promise<void> => {
    for (let kills = 0; kills < killsBetween; kills++) {
      const appended = (await server.redis.xlen(key('events'))) + LEAST_BETWEEN + random() * MORE_BETWEEN;
      await waitUntil(
        'the swarm to publish more events',
        async () => (await server.redis.xlen(key('events'))) >= appended,
      );
      const at = 1 + Math.floor(random() * (swarm.idsOf.length - 2));
      const killedMs = performance.now();
      await swarm.kill(at);
      await swarm.replace(at);
      const goneMs = performance.now() - killedMs;
      for (const id of swarm.idsOf[at] ?? []) goneMsOf.set(id, [...(goneMsOf.get(id) ?? []), goneMs]);
    }
  };
  const die = async (at: number): Promise<Death[]> => {
    await swarm.kill(at);
    await killSome();
    const ids = swarm.idsOf[at] ?? [];
    await waitUntil('all coordinators of a killed process to be declared dead', async () => {
      const pipeline = server.redis.pipeline();
      for (const id of ids) pipeline.hget(key(`coordinator:load|${id}`), 'state');
      return ((await pipeline.exec()) ?? []).every(([, state]) => state === 'dead');
    });
    return Promise.all(
      ids.map(async (id) => ({
        coordinatorId: id,
        lastBeatMs: Number(await server.redis.hget(key(`coordinator:load|${id}`), 'beat_ms')),
      })),
    );
  };
  await killSome();
  const replaced = await die(lost);
  await swarm.replace(lost);
  await killSome();
  const forever = await die(lostLater);
  return { forever, replaced, goneMsOf };
}

/**
 * Each death is reported once and in time, and no other coordinator is reported more often than its process was gone for
 * longer than the threshold: a replacement that is slow to start is a silence, too.
 */
function judgeDeaths(
  t: ExecutionContext,
  { forever, replaced, goneMsOf }: Chaos,
  {
    episodes,
    load: { beatMs, staleAfterMs, deadAfterMs },
  }: { episodes: ReadonlyMap<string, readonly Episode[]>; load: Load },
): void {
  const deaths = [...forever, ...replaced];
  const told = deaths.map(({ coordinatorId }) => episodes.get(coordinatorId) ?? []);
  const wrong = told.filter((each) => each.map(({ what }) => what).join() !== DEATH.join());
  t.deepEqual(wrong, []);
  const late = (which: number, afterMs: number): number =>
    Math.max(
      ...deaths.map(({ lastBeatMs }, at) => (told[at]?.[which]?.atMs ?? Infinity) - lastBeatMs - afterMs),
    );
  const [staleLateMs, deadLateMs] = [late(0, staleAfterMs), late(2, deadAfterMs)];
  t.log(
    `${deaths.length} deaths, reported at most ${staleLateMs} ms (stale) and ${deadLateMs} ms (dead) late`,
  );
  t.true(staleLateMs <= beatMs + LATEST_MS && deadLateMs <= beatMs + LATEST_MS);

  const longestMs = Math.round(Math.max(...[...goneMsOf.values()].flat()));
  t.log(`coordinators that were replaced at once sent a heartbeat within ${longestMs} ms`);
  const dead = new Set(deaths.map(({ coordinatorId }) => coordinatorId));
  const falsely = [...episodes]
    .filter(([id]) => !dead.has(id))
    .map(([id, each]) => ({
      id,
      goneMs: goneMsOf.get(id) ?? [],
      told: each.map(({ what }) => what.replace('missing', 'stale')),
    }))
    .filter(({ goneMs, told: whats }) =>
      DEATH.some((what, at) => {
        const thresholdMs = at === 0 ? staleAfterMs : deadAfterMs;
        const silences = goneMs.filter((ms) => ms + beatMs > thresholdMs).length;
        return whats.filter((each) => each === what).length > silences;
      }),
    );
  t.deepEqual(falsely, []);
}
