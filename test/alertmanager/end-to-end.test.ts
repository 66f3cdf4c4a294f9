import { setInterval } from 'node:timers/promises';
import { test, type ExecutionContext } from '../harness/ava.ts';
import type { Heartbeat } from '@streamfold/coordination';
import type { RuleOptions } from '@streamfold/mixin';
import { appendFlat } from '../harness/append-events.ts';
import { queryValue } from '../harness/query-prometheus.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { startSwarm, takeSignals, type TestSwarm } from '../harness/start-swarm.ts';
import { startWatch, type Watch } from '../harness/start-watch.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

/** Five minutes become fifteen seconds. */
const TIME_SCALE = 1 / 20;
const CRITICAL = ['#streamfold-critical', 'pagerduty'];
const WARNING = ['#streamfold-warnings'];
const COORDINATORS = 40;

interface Scene {
  readonly swarm: TestSwarm;
  readonly watch: Watch;
  readonly prefix: string;
  /** Stops the first aggregator and starts another one in its place. */
  restart(): Promise<void>;
}

/** Aggregators with their own keys, their monitoring, and a swarm whose metrics they serve. */
async function setScene(
  t: ExecutionContext,
  options: { aggregators?: number; zeroFirst?: boolean; rules?: RuleOptions } = {},
): Promise<Scene> {
  const { aggregators: count = 1, zeroFirst = true, rules = {} } = options;
  const prefix = nextPrefix();
  const settings = { redisUrl: server.url, prefix, monitorGraceMs: 0 };
  const aggregators: TestAggregator[] = [];
  for (let number = 0; number < count; number++) {
    const aggregator = await startAggregator(settings);
    t.teardown(() => aggregator.stop());
    aggregators.push(aggregator);
  }
  const watch = await startWatch({
    aggregatorUrls: aggregators.map(({ url }) => url),
    prometheuses: count,
    zeroFirst,
    rules: { timeScale: TIME_SCALE, ...rules },
  });
  t.teardown(() => watch.stop());
  const swarm = startSwarm(server, prefix);
  t.teardown(() => swarm.disconnect());
  const restart = async (): Promise<void> => {
    const [first] = aggregators;
    await first?.stop();
    const aggregator = await startAggregator({ ...settings, port: Number(new URL(first?.url ?? '').port) });
    t.teardown(() => aggregator.stop());
  };
  return { swarm, watch, prefix, restart };
}

/** This number of coordinators join and never beat again. */
async function joinAndDie(swarm: TestSwarm, ids: readonly string[]): Promise<void> {
  const join = async (id: string): Promise<void> => {
    const coordinator = await swarm.join(id, { staleAfterMs: 200, deadAfterMs: 400 });
    coordinator.disconnect();
  };
  await Promise.all(ids.map(join));
}

/** Alerts on the swarm that were notified. Those on scraping are left out: on a busy machine a scrape may fail. */
function swarmAlertsTold(watch: Watch): string[] {
  return watch.alertsTold().filter((alertname) => !alertname.startsWith('Streamfold'));
}

function nameCoordinators(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `c${number}`);
}

test('a stuck coordinator pages somebody; the end of its wait is notified too', async (t) => {
  const { swarm, watch } = await setScene(t, { rules: { thresholds: { stuckWaitSeconds: 1 } } });
  const ada = await swarm.join('ada');
  const ben = await swarm.join('ben');
  const sent = await ada.sendSignal(['ben'], 'completion');
  const waiting = ada.waitForAcks(sent, { timeoutMs: 600_000 });
  await watch.waitUntilTold('StuckCoordinator', 'firing', CRITICAL);
  t.regex(watch.textsOf('StuckCoordinator')[0] ?? '', new RegExp(swarm.swarmId));

  const [signal] = await takeSignals(ben, 1);
  t.truthy(signal);
  if (signal !== undefined) await ben.acknowledgeSignal(signal);
  t.is((await waiting).status, 'completed');
  await watch.waitUntilTold('StuckCoordinator', 'resolved', CRITICAL);
  t.deepEqual(swarmAlertsTold(watch), ['StuckCoordinator']);
});

test('coordinators without heartbeats page somebody; their recovery is notified too', async (t) => {
  const { swarm, watch } = await setScene(t);
  const coordinators = await Promise.all(
    nameCoordinators(COORDINATORS).map((id) => swarm.join(id, { staleAfterMs: 1_500, deadAfterMs: 600_000 })),
  );
  const beat = async (): Promise<Heartbeat[]> => {
    const heartbeats = coordinators.map((coordinator) => coordinator.startHeartbeat({ intervalMs: 500 }));
    await Promise.all(heartbeats.map(({ beating }) => beating));
    return heartbeats;
  };
  const heartbeats = await beat();
  for (const heartbeat of heartbeats) heartbeat.stop();
  await watch.waitUntilTold('HeartbeatFailures', 'firing', CRITICAL);
  t.regex(watch.textsOf('HeartbeatFailures')[0] ?? '', new RegExp(`^• ${COORDINATORS} coordinators`, 'm'));

  await beat();
  await watch.waitUntilTold('HeartbeatFailures', 'resolved', CRITICAL);
  t.deepEqual(swarmAlertsTold(watch), ['HeartbeatFailures']);
});

test('a mass death pages somebody once, whichever replica is scraped', async (t) => {
  const { swarm, watch } = await setScene(t, { aggregators: 2 });
  await joinAndDie(swarm, nameCoordinators(COORDINATORS));
  await watch.waitUntilTold('TimeoutEvents', 'firing', CRITICAL);
  await watch.waitUntilTold('HeartbeatFailures', 'firing', CRITICAL);
  const died = `• ${COORDINATORS} timeouts of type heartbeat within five minutes.`;
  t.true(
    watch.textsOf('TimeoutEvents').every((text) => text.includes(died)),
    watch.textsOf('TimeoutEvents').join(),
  );
  for (const url of watch.prometheusUrls) {
    const firing = 'count by (alertname) (ALERTS{alertstate="firing",alertname="TimeoutEvents"})';
    await waitUntil('each Prometheus to fire', async () => (await queryValue(url, firing)) === 1);
    t.is(await queryValue(url, 'sum(timeout_type:timeout_events_total:sum)'), COORDINATORS);
  }
  await watch.waitUntilTold('TimeoutEvents', 'resolved', CRITICAL);
  await watch.waitUntilTold('HeartbeatFailures', 'resolved', CRITICAL);
  for (const alertname of ['TimeoutEvents', 'HeartbeatFailures']) {
    t.deepEqual(
      watch.toldOf(alertname).toSorted(),
      CRITICAL.flatMap((address) => [`${address} firing`, `${address} resolved`]),
    );
  }
});

test('a mass death pages somebody even if the aggregator restarts in the middle of it', async (t) => {
  const { swarm, watch, restart } = await setScene(t);
  const ids = nameCoordinators(COORDINATORS);
  await joinAndDie(swarm, ids.slice(0, COORDINATORS / 2));
  const recorded = 'sum(timeout_type:timeout_events_total:sum)';
  const [url = ''] = watch.prometheusUrls;
  await waitUntil(
    'half of them to be seen dead',
    async () => (await queryValue(url, recorded)) === COORDINATORS / 2,
  );
  await restart();
  await joinAndDie(swarm, ids.slice(COORDINATORS / 2));
  await watch.waitUntilTold('TimeoutEvents', 'firing', CRITICAL);
  t.regex(watch.textsOf('TimeoutEvents')[0] ?? '', new RegExp(`^• ${COORDINATORS} timeouts`, 'm'));
  await watch.waitUntilTold('TimeoutEvents', 'resolved', CRITICAL);
});

test('timeouts page somebody even if each is the first event of its coordinator and is shown at once', async (t) => {
  const { watch, prefix, swarm } = await setScene(t, { zeroFirst: false });
  const base = { type: 'timeout', swarm_id: swarm.swarmId, timeout_type: 'signal_ack' };
  await appendFlat(
    server.redis,
    { prefix },
    nameCoordinators(COORDINATORS).map((id) => ({ ...base, coordinator_id: id })),
  );
  await watch.waitUntilTold('TimeoutEvents', 'firing', CRITICAL);
  t.regex(
    watch.textsOf('TimeoutEvents')[0] ?? '',
    new RegExp(`^• ${COORDINATORS} timeouts of type signal_ack`, 'm'),
  );
  await watch.waitUntilTold('TimeoutEvents', 'resolved', CRITICAL);
  t.deepEqual(swarmAlertsTold(watch), ['TimeoutEvents']);
});

test('slow signals are notified, and so is their recovery', async (t) => {
  const { watch, prefix, swarm } = await setScene(t);
  await swarm.join('ada'); // otherwise no coordinator would be alive, which would be notified too
  const base = { type: 'signal.acked', swarm_id: swarm.swarmId, sender_id: 'ada', signal_type: 'completion' };
  let latencyMs = 8_000;
  const stop = new AbortController();
  const signalling = (async () => {
    for await (const _ of setInterval(100, undefined, { signal: stop.signal })) {
      const acked = ['ben', 'cyd'].map((id) => ({ ...base, receiver_id: id, latency_ms: String(latencyMs) }));
      await appendFlat(server.redis, { prefix }, acked);
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  t.teardown(async () => {
    stop.abort();
    await signalling;
  });
  await watch.waitUntilTold('HighSignalLatency', 'firing', WARNING);
  t.regex(watch.textsOf('HighSignalLatency')[0] ?? '', /100% of the ACKs of completion/);
  latencyMs = 20;
  await watch.waitUntilTold('HighSignalLatency', 'resolved', WARNING);
  t.deepEqual(swarmAlertsTold(watch), ['HighSignalLatency']);
});
