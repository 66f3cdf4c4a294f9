import { test } from '../harness/ava.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { eventsKey } from '../harness/append-events.ts';
import { startServe } from '../harness/run-streamfold.ts';
import { amount } from '../harness/soaking.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { awaitSettled } from './await-settled.ts';
import { compareMetrics } from './compare-metrics.ts';
import { judgeLoad } from './judge-load.ts';
import { readEntries } from './read-entries.ts';
import { startSwarm } from './run-swarm.ts';

/** Longer than it takes to reconnect, at most 3 s, and to beat. */
const GRACE_MS = 8_000;
const BEAT_MS = 500;
const STALE_AFTER_MS = 5_000;
const DEAD_AFTER_MS = 8_000;
/** When Redis is back, all coordinators are overdue, and all would be declared dead. */
const OUTAGE_MS = 9_000;
const LOAD_MS = 2_500;
/** The test is long because of its deadlines: in `npm test` its load leaves CPU to others. */
const LOAD = amount({
  test: { coordinators: 8, peersEach: 4, pauseMs: 500 },
  soak: { coordinators: 20, peersEach: 10, pauseMs: 100 },
});
const LEAST_SIGNALS = amount({ test: 100, soak: 500 });

test('after Redis is killed under load and restarts, no signal is lost and no coordinator is declared dead', async (t) => {
  t.timeout(120_000);
  const server = await startRedis({ appendonly: true, appendfsync: 'always' });
  const env = { STREAMFOLD_MONITOR_GRACE_MS: String(GRACE_MS) };
  const aggregators = await Promise.all([startServe(server.url, env), startServe(server.url, env)]);
  const swarm = await startSwarm({
    url: server.url,
    swarmId: 'load',
    seed: 21,
    ...LOAD,
    processes: 2,
    beatMs: BEAT_MS,
    staleAfterMs: STALE_AFTER_MS,
    deadAfterMs: DEAD_AFTER_MS,
    waitMs: 3_000,
  });
  try {
    for (const outageMs of [0, OUTAGE_MS, 0]) {
      await pause(LOAD_MS);
      await server.kill('SIGKILL');
      await pause(outageMs);
      await server.restart();
    }
    // A signal and its ACK are two events.
    await waitUntil(
      'enough signals are sent',
      async () => (await server.redis.xlen(eventsKey({ prefix: 'streamfold' }))) > 3 * LEAST_SIGNALS,
    );
    await swarm.fallSilent(); // they still beat
    await pause(GRACE_MS + DEAD_AFTER_MS); // a coordinator that has not beaten since the grace period would be dead by now
    await awaitSettled(server.redis, swarm.swarmId, swarm.idsOf.flat());

    const events = await readEntries(server.redis);
    const verdict = judgeLoad(await swarm.readNotes(), events, new Set());
    const { due, waits, missing, twice, contradictions, brokenWaits, failures, episodes } = verdict;
    t.log(`${due} signals ACKed; waits: ${JSON.stringify(waits)}; ${events.length} events`);
    t.true(due > LEAST_SIGNALS);
    t.deepEqual(
      { missing, twice, contradictions, brokenWaits, failures },
      { missing: [], twice: [], contradictions: [], brokenWaits: [], failures: [] },
    );
    t.deepEqual([...episodes], []);
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
});
