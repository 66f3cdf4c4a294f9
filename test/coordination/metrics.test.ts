import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { test } from '../harness/ava.ts';
import { cleanUp } from '@streamfold/coordination';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, sortSamples, withoutAges, type Samples } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { startSwarm, takeSignals } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const SOON = { staleAfterMs: 100, deadAfterMs: 200 };
const LATE = { staleAfterMs: 3_600_000, deadAfterMs: 7_200_000 };

test('every documented label value is produced by the library and scraped, with the value of an independent fold of the events', async (t) => {
  const swarm = startSwarm(server, nextPrefix());
  const { prefix, swarmId } = swarm;
  const aggregators = await Promise.all(
    [1, 2].map(() =>
      startAggregator({ redisUrl: server.url, prefix, consumer: randomUUID(), monitorGraceMs: 50 }),
    ),
  );
  try {
    const url = aggregators[0]?.url ?? '';
    const keys = [{ id: 'k1', secret: 'a-secret-of-enough-characters' }];
    const ada = await swarm.join('ada', { ...LATE, phase: 'planning', keys, requireSignatures: true });
    const ben = await swarm.join('ben', { ...LATE, keys, requireSignatures: true });
    await ada.startHeartbeat({ intervalMs: 60_000 }).beating;

    // Waits: completed, timeout, error. Overdue ACKs that nobody waits for.
    const sent = await ada.sendSignal(['ben'], 'completion', { id: 'p' });
    const completing = ada.waitForAcks(sent, { timeoutMs: 20_000 });
    await swarm.call('acknowledge-signal', swarmId, 'ben', 'p', 0, 'k1', 'bad', 'ben', '', ben.life);
    await waitUntil('rejected', async () => (await swarm.events('signal.rejected')).length === 1);
    const [signal] = await takeSignals(ben, 1);
    if (signal) await ben.acknowledgeSignal(signal);
    t.is((await completing).status, 'completed');
    const unheard = await ada.sendSignal(['gone'], 'handoff', { iteration: 1 });
    t.is((await ada.waitForAcks(unheard, { timeoutMs: 20 })).status, 'timeout');
    t.is(
      (await ada.waitForAcks(unheard, { timeoutMs: 20_000, signal: AbortSignal.abort() })).status,
      'error',
    );
    await ada.sendSignal(['gone'], 'handoff', { ackTimeoutMs: 10 });

    // A refused signal.
    const unsigned = await swarm.join('cyd', LATE);
    await unsigned.sendSignal(['ben'], 'completion', { id: 'unsigned' });
    await ada.sendSignal(['ben'], 'completion', { id: 'signed' });
    t.is((await takeSignals(ben, 1))[0]?.id, 'signed');

    // Heartbeats: missing, stale, recovered, timeout; found by the monitors of two aggregators at once.
    await swarm.join('never', SOON);
    const once = await swarm.join('once', SOON);
    await once.startHeartbeat({ intervalMs: 60_000 }).beating;
    await waitUntil('both are dead', async () => {
      const dead = (await swarm.events('timeout')).filter((event) => event['timeout_type'] === 'heartbeat');
      return dead.length === 2;
    });
    const late = await swarm.join('late', { staleAfterMs: 100, deadAfterMs: 3_600_000 });
    await waitUntil('stale', async () =>
      (await swarm.events('heartbeat.stale')).some((event) => event['coordinator_id'] === 'late'),
    );

    // The gauge: active, blocked, stale.
    const open = await ada.sendSignal(['gone'], 'retry', { iteration: 2 });
    const abort = new AbortController();
    const blocked = ada.waitForAcks(open, { timeoutMs: 60_000, signal: abort.signal });
    await waitUntil('it is scraped', async () => {
      const status = (name: string): boolean =>
        has(samples, 'blocking_coordinators_total', `status="${name}"`);
      const samples = await scrape(url);
      return status('active') && status('blocked') && status('stale');
    });
    await late.startHeartbeat({ intervalMs: 60_000 }).beating;

    // Cleanup: one removed, one refused.
    await server.redis.hset(swarm.key(`coordinator:${swarmId}|never`), 'ended_ms', '1700000000');
    const options = { endedForMs: 0, dryRun: false };
    for await (const _ of cleanUp(server.redis, { prefix, shard: 0 }, options));
    abort.abort();
    await blocked;
    await ben.leave('failed');
    await late.leave(); // it would soon be stale again, between two checks of this test

    const expected = async (): Promise<Samples> =>
      foldReference((await swarm.events()).map((fields) => ({ fields })));
    let samples: Samples = new Map();
    await waitUntil(
      'all is folded',
      async () => {
        samples = withoutAges(await scrape(url));
        return isDeepStrictEqual(samples, await expected());
      },
      5_000,
    ).catch(() => undefined);
    t.deepEqual(sortSamples(samples), sortSamples(await expected()));
    t.deepEqual(
      withoutAges(await scrape(aggregators[1]?.url ?? '')),
      samples,
      'every aggregator shows the same',
    );
    t.is(await server.redis.xlen(`${prefix}:{0}:dead`), 0, 'no event of the library is a dead letter');

    const value = (name: string): string | undefined => samples.get(name);
    for (const status of ['completed', 'timeout', 'error']) {
      t.true(has(samples, 'blocking_duration_seconds_count', `status="${status}"`), status);
    }
    t.is(value('heartbeat_failures_total{coordinator_id="never",failure_type="missing"}'), '1');
    t.is(value('heartbeat_failures_total{coordinator_id="never",failure_type="timeout"}'), '1');
    t.is(value('heartbeat_failures_total{coordinator_id="once",failure_type="stale"}'), '1');
    t.is(value('heartbeat_failures_total{coordinator_id="once",failure_type="timeout"}'), '1');
    t.is(value('timeout_events_total{coordinator_id="ada",timeout_type="blocking"}'), '1');
    t.is(value('timeout_events_total{coordinator_id="ada",timeout_type="signal_ack"}'), '2');
    t.is(value('timeout_events_total{coordinator_id="never",timeout_type="heartbeat"}'), '1');
    t.is(value(`signals_rejected_total{swarm_id="${swarmId}",part="signal",reason="unsigned"}`), '1');
    t.is(value(`signals_rejected_total{swarm_id="${swarmId}",part="ack",reason="bad_signature"}`), '1');
    t.is(value(`coordinators_cleaned_up_total{swarm_id="${swarmId}"}`), '1');
    t.is(value(`cleanup_refusals_total{swarm_id="${swarmId}",reason="in_seconds"}`), '1');
  } finally {
    swarm.disconnect();
    await Promise.all(aggregators.map((each) => each.stop()));
  }
});

function has(samples: Samples, name: string, label: string): boolean {
  return [...samples.keys()].some((key) => key.startsWith(`${name}{`) && key.includes(label));
}
