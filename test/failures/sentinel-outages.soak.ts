import { joinSwarm } from '@streamfold/coordination';
import { createPublisher, PublishError, type Publisher } from '@streamfold/publisher';
import { test } from '../harness/ava.ts';
import { checkVerified } from '../harness/check-verified.ts';
import { readPublished } from '../harness/read-published.ts';
import { scrapeOnce } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import type { TestRedis } from '../harness/start-redis.ts';
import { SERVERS, startSentinels, type TestSentinels } from '../harness/start-sentinels.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { signalSent } from '../publisher/signal-sent.ts';

/** After the Sentinels name a new primary, every program works with it within this time. */
const BACK_MS = 10_000;
const SENTINEL_LOOK_MS = 10_000;
const BATCH_EVENTS = 20;
const WRITERS = 4;
/** Confirmed before each outage and after it. */
const EVENTS_AROUND = 2_000;
const PREFIX = 'p';

/** Ends the service of the primary; `mend` brings the server back. */
interface Outage {
  /**
   * Replicas that a publisher waits for. If the primary is gone, Sentinels choose the replica that has most. If it is alive, it goes on
   * confirming with the replicas that were not chosen, so only all of them are enough.
   */
  readonly replicas: number;
  /** After the next primary is named, events are confirmed again within this time. */
  readonly confirmedMs: number;
  begin(group: TestSentinels, primary: TestRedis): Promise<void>;
  mend(primary: TestRedis): Promise<void>;
}

const OUTAGES: Readonly<Record<string, Outage>> = {
  'a primary that is killed': {
    replicas: 1,
    confirmedMs: BACK_MS,
    begin: (_, primary) => primary.kill('SIGKILL'),
    mend: (primary) => primary.restart(),
  },
  'a failover that an operator requests': {
    replicas: SERVERS - 1,
    // The Sentinels make the old primary a replica when they look at it again, every 10 s.
    confirmedMs: BACK_MS + SENTINEL_LOOK_MS,
    begin: (group) => group.requestFailover(),
    mend: async () => undefined,
  },
  'a primary that freezes, is replaced, and wakes up': {
    replicas: 1,
    confirmedMs: BACK_MS,
    begin: async (_, { pid }) => void process.kill(pid, 'SIGSTOP'),
    mend: async ({ pid }) => void process.kill(pid, 'SIGCONT'),
  },
};

test('Sentinel: whatever ends the primary, nothing confirmed is lost or doubled, and all programs are back', async (t) => {
  t.timeout(600_000);
  const group = await startSentinels();
  t.teardown(group.stop);
  const redisUrl = group.url;
  const replicas = await Promise.all([1, 2].map(() => startAggregator({ redisUrl, prefix: PREFIX })));
  t.teardown(() => Promise.all(replicas.map((replica) => replica.stop())));
  const ada = await joinSwarm({
    redisUrl,
    prefix: PREFIX,
    swarmId: 'sentinel',
    coordinatorId: 'ada',
    staleAfterMs: 30_000,
    deadAfterMs: 60_000,
  });
  t.teardown(() => ada.disconnect());
  const heartbeat = ada.startHeartbeat({ intervalMs: 500 });
  await heartbeat.beating;
  const confirmed = new Set<number>();
  let sent = 0;

  for (const [name, outage] of Object.entries(OUTAGES)) {
    const publisher = createPublisher({
      redisUrl,
      prefix: PREFIX,
      durability: { replicas: outage.replicas, timeoutMs: 600_000 },
      observer: {},
    });
    const writers = startWriters(publisher, confirmed, () => sent++);
    await writers.confirm(EVENTS_AROUND);
    const old = await group.readPrimary();
    if (old === undefined) throw new Error('expected a primary');
    await outage.begin(group, old);
    const next = await group.waitForNext(old);
    const startMs = performance.now();
    await Promise.all([
      waitUntil(`${name}: the publisher is back`, () => writers.confirmedSince(startMs), outage.confirmedMs),
      backWithin(`${name}: the coordinator is back`, () => ada.changePhase('back')),
      ...replicas.map(({ url }) => waitForScrape(`${name}: ${url} is back`, url, next)),
    ]);
    t.log(`${name}: back ${Math.round(performance.now() - startMs)} ms after the Sentinels named the next`);
    await outage.mend(old);
    await writers.confirm(EVENTS_AROUND);
    await writers.stop();
    await publisher.close();
    await group.waitUntilWhole();
  }

  heartbeat.stop();
  const primary = await group.readPrimary();
  if (primary === undefined) throw new Error('expected a primary');
  await ada.leave();
  const urls = replicas.map(({ url }) => url);
  const events = await checkVerified(t, { redis: primary.redis, prefix: PREFIX, urls }, 'after all outages');
  const numbers = events
    .filter(({ type }) => type === 'signal.sent')
    .map(({ signal_id: number }) => Number(number));
  t.is(new Set(numbers).size, numbers.length, 'no event is there twice');
  const present = new Set(numbers);
  const lost = [...confirmed].filter((number) => !present.has(number));
  t.is(lost.length, 0, `confirmed, but lost: ${lost.slice(0, 10).join(', ')} …`);
  t.log(`${confirmed.size} of ${sent} events confirmed`);
  const ofAda = events.filter(({ type }) => type === 'heartbeat.stale' || type === 'timeout');
  t.deepEqual(ofAda, [], 'no living coordinator is reported');
});

interface Writers {
  /** Resolves when so many more events are confirmed. */
  confirm(count: number): Promise<void>;
  confirmedSince(startMs: number): boolean;
  /** Resolves when the batches under way are settled. */
  stop(): Promise<void>;
}

/** Writers that append numbered events, batch after batch, until they are stopped. */
function startWriters(publisher: Publisher, confirmed: Set<number>, nextNumber: () => number): Writers {
  let lastMs = 0;
  let stopped = false;
  const write = async (): Promise<void> => {
    while (!stopped) {
      const startMs = performance.now();
      const numbers = Array.from({ length: BATCH_EVENTS }, nextNumber);
      try {
        await publisher.append(
          numbers.map((number) => signalSent(number)),
          { timeoutMs: 120_000 },
        );
        for (const number of numbers) confirmed.add(number);
        lastMs = Math.max(lastMs, startMs);
      } catch (error) {
        if (!(error instanceof PublishError)) throw error; // those events may be there or not
      }
    }
  };
  const running = Promise.all(Array.from({ length: WRITERS }, write));
  return {
    async confirm(count) {
      const enough = confirmed.size + count;
      await waitUntil(`${count} more events are confirmed`, () => confirmed.size >= enough, 60_000);
    },
    confirmedSince: (startMs) => lastMs > startMs,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

async function backWithin(what: string, attempt: () => Promise<unknown>): Promise<void> {
  await waitUntil(
    what,
    () =>
      attempt().then(
        () => true,
        () => false,
      ),
    BACK_MS,
  );
}

/** Resolves when the aggregator serves what the new primary holds: it has read and folded it since. */
async function waitForScrape(what: string, url: string, { redis }: TestRedis): Promise<void> {
  const events = await readPublished(redis, { prefix: PREFIX });
  const sent = events.filter(({ type }) => type === 'signal.sent').length;
  await backWithin(what, async () => {
    const folded = [...(await scrapeOnce(url))].find(([name]) => name.startsWith('signals_sent_total{'));
    if (Number(folded?.[1]) < sent) throw new Error('not yet');
  });
}
