import { test } from '../harness/ava.ts';
import { joinSwarm, stepMonitor, type Coordinator, type CoordinatorOptions } from '@streamfold/coordination';
import { coordinationKeys, shardKeys } from '@streamfold/redis';
import { startCluster, type SlotMove } from '../harness/start-cluster.ts';
import { readPublished } from '../harness/read-published.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { callEarlierFunction, loadEarlierLibrary } from './earlier-library.ts';

const cluster = await startCluster();
test.after.always(() => cluster.stop());

let prefixes = 0;

interface Swarm {
  readonly prefix: string;
  readonly events: string;
  readonly keys: ReturnType<typeof coordinationKeys>;
  join(id: string, options?: Partial<CoordinatorOptions>): Promise<Coordinator>;
  readTypes(): Promise<string[]>;
}

async function withSwarm(body: (swarm: Swarm) => Promise<void>): Promise<void> {
  const prefix = `move${++prefixes}`;
  const shard = { prefix, shard: 0 };
  const joined: Coordinator[] = [];
  try {
    await body({
      prefix,
      events: shardKeys(shard).events,
      keys: coordinationKeys(shard),
      async join(coordinatorId, options = {}) {
        const defaults = { url: cluster.url, prefix, swarmId: 's', coordinatorId, deadAfterMs: 600_000 };
        const coordinator = await joinSwarm({ ...defaults, ...options });
        joined.push(coordinator);
        return coordinator;
      },
      readTypes: async () =>
        (await readPublished(cluster.redis, { prefix })).map((event) => String(event['type'])),
    });
  } finally {
    for (const coordinator of joined) coordinator.disconnect();
  }
}

/** Resolves when a node has refused a call since then, as it lacks a key. */
async function waitForRefusal({ from, to }: SlotMove): Promise<void> {
  const count = async (): Promise<number> => {
    const stats = await Promise.all([from, to].map(({ redis }) => redis.info('errorstats')));
    const counts = stats.join('').matchAll(/errorstat_(?:ASK|TRYAGAIN):count=(\d+)/g);
    return [...counts].reduce((sum, [, n]) => sum + Number(n), 0);
  };
  const before = await count();
  await waitUntil('a call is refused', async () => (await count()) > before);
}

test.serial(
  'while its slot moves, a living coordinator is never answered that its life has ended',
  async (t) => {
    await withSwarm(async ({ join, keys, events }) => {
      const ada = await join('ada');
      await loadEarlierLibrary(cluster.redis);
      const args = ['s', 'ada', ada.life, ''] as const;
      const declared = [events, keys.coordinator('s', 'ada'), keys.heartbeats];
      const move = await cluster.beginMove(events, [events]);
      try {
        const earlier = await callEarlierFunction(cluster.redis, 'beat', [events, ...args]);
        t.is(
          earlier,
          'ended',
          'a function that names its keys itself takes those of the other node for missing',
        );
        for (const { redis } of [move.from, move.to]) {
          void redis.call('ASKING'); // for the next command of this connection
          const call = redis.fcall('streamfold_2_beat', declared.length, ...declared, ...args);
          await t.throwsAsync(call, { message: /^(?:ASK|TRYAGAIN) / });
        }
      } finally {
        await move.finish();
      }
      await ada.changePhase('moved');
    });
  },
);

test.serial('a coordinator lives on while its slot moves, whichever of its keys moves first', async (t) => {
  await withSwarm(async ({ join, keys, events, readTypes }) => {
    const ada = await join('ada');
    const failures: string[] = [];
    const heartbeat = ada.startHeartbeat({ intervalMs: 20 });
    await heartbeat.beating;
    const keysOfAda = { events, coordinator: keys.coordinator('s', 'ada'), heartbeats: keys.heartbeats };
    for (const [name, key] of Object.entries(keysOfAda)) {
      const move = await cluster.beginMove(events, [key]);
      const changed = ada.changePhase(`moved-${name}`);
      changed.catch((error: unknown) => failures.push(`${name}: ${String(error)}`));
      await waitForRefusal(move);
      await move.finish();
      await changed;
    }
    await ada.leave();
    t.deepEqual(failures, []);
    const changes = Array.from({ length: 3 }, () => 'coordinator.phase_changed');
    t.deepEqual(await readTypes(), ['coordinator.started', ...changes, 'coordinator.stopped']);
  });
});

test.serial(
  'a coordinator that starts again while its slot moves begins its second life, not another first one',
  async (t) => {
    await withSwarm(async ({ join, events, readTypes }) => {
      const first = await join('ada');
      const move = await cluster.beginMove(events, [events]);
      const joining = join('ada');
      joining.catch(() => undefined);
      await waitForRefusal(move);
      await move.finish();
      const second = await joining;
      t.deepEqual([first.life.split('.')[0], second.life.split('.')[0]], ['1', '2']);
      t.deepEqual(await readTypes(), ['coordinator.started', 'coordinator.started']);
      await t.throwsAsync(first.changePhase('late'), { message: /^ended/ });
    });
  },
);

test.serial('a monitor that steps while a slot moves forgets no coordinator', async (t) => {
  await withSwarm(async ({ prefix, join, events, keys }) => {
    await join('ada', { staleAfterMs: 20, deadAfterMs: 600_000 });
    const settings = { limit: 100, outageMs: 600_000, graceMs: 0 };
    const step = (): ReturnType<typeof stepMonitor> =>
      stepMonitor(cluster.redis, { prefix, shard: 0 }, { ...settings });
    const move = await cluster.beginMove(events, [events, keys.heartbeats]);
    const stepping = step();
    stepping.catch(() => undefined);
    await waitForRefusal(move);
    await move.finish();
    let stale = (await stepping).stale;
    await waitUntil('it is found overdue', async () => {
      stale += (await step()).stale;
      return stale === 1;
    });
    t.is(await cluster.redis.hget(keys.coordinator('s', 'ada'), 'state'), 'stale');
  });
});

test.serial('work and signals that are taken over while a slot moves are moved once', async (t) => {
  await withSwarm(async ({ join, events, keys }) => {
    const [ada, ben] = [await join('ada'), await join('ben')];
    await ada.openWork('job', 'text');
    await ben.sendSignal(['ada'], 'plan');
    await ada.leave('failed');
    const move = await cluster.beginMove(events, [
      events,
      keys.coordinator('s', 'ben'),
      keys.work('s', 'ada'),
    ]);
    const taking = ben.takeOver('ada');
    taking.catch(() => undefined);
    await waitForRefusal(move);
    await move.finish();
    t.deepEqual(await taking, { successor: 'ben', work: 1, signals: 1 });
    t.deepEqual(
      (await ben.listWork()).map(({ workId }) => workId),
      ['job'],
    );
  });
});
