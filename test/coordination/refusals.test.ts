import { test } from '../harness/ava.ts';
import { CoordinationError, type Coordinator, type CoordinatorOptions } from '@streamfold/coordination';
import { shareRedis, startRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const ENDED = { instanceOf: CoordinationError, message: /^ended/ };

for (const how of ['leave', 'disconnect'] as const) {
  test(`after ${how}() every operation is refused as ended, and nothing is left open`, async (t) => {
    await withSwarm(server, async (swarm) => {
      const ada = await swarm.join('ada');
      const sent = await ada.sendSignal(['ada'], 'plan');
      const [signal] = await takeSignals(ada, 1);
      if (signal === undefined) throw new Error('expected a signal');
      await ada[how]();
      const operations: Record<string, () => Promise<unknown>> = {
        sendSignal: () => ada.sendSignal(['ben'], 'plan'),
        acknowledgeSignal: () => ada.acknowledgeSignal(signal),
        settleSignal: () => ada.settleSignal(signal),
        waitForAcks: () => ada.waitForAcks(sent, { timeoutMs: 1_000 }),
        startHeartbeat: () => ada.startHeartbeat({ intervalMs: 10 }).beating,
        changePhase: () => ada.changePhase('x'),
        openWork: () => ada.openWork('job'),
        finishWork: () => ada.finishWork('job'),
        listWork: () => ada.listWork(),
        takeOver: () => ada.takeOver('ben'),
        handOver: () => ada.handOver('ben'),
      };
      for (const [name, operation] of Object.entries(operations)) {
        await t.throwsAsync(operation(), ENDED, name);
      }
      t.deepEqual(await takeSignals(ada, 1), [], 'receiving ends without an error');
      await waitUntil('no connection to be open', async () => {
        const clients = String(await server.redis.client('LIST'));
        return !clients.includes(`name=streamfold-coordinator-ada `);
      });
    });
  });
}

test('an operation in progress when the program disconnects is refused as ended', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const waiting = ada.waitForAcks(await ada.sendSignal(['ben'], 'plan'), { timeoutMs: 60_000 });
    await waitUntil('it waits', async () => (await swarm.events('wait.started')).length === 1);
    ada.disconnect();
    await t.throwsAsync(waiting, ENDED);
  });
});

test('a wait may be named, and a name that is in use in the swarm is refused', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    const sent = await ada.sendSignal(['cyd'], 'plan');
    const abort = new AbortController();
    const options = { timeoutMs: 60_000, waitId: 'review', signal: abort.signal };
    const waiting = ada.waitForAcks(sent, options);
    await waitUntil('it waits', async () => (await swarm.events('wait.started')).length === 1);
    t.is((await swarm.events('wait.started'))[0]?.['wait_id'], 'review');
    const refused = {
      instanceOf: CoordinationError,
      message: /^wait_exists: review: expected an id of its own/,
    };
    await t.throwsAsync(ada.waitForAcks(sent, options), refused);
    const another = await ben.sendSignal(['cyd'], 'plan');
    await t.throwsAsync(ben.waitForAcks(another, { timeoutMs: 1_000, waitId: 'review' }), refused);
    abort.abort();
    t.is((await waiting).status, 'error', 'the refused calls have ended nothing');
    t.is((await swarm.events('wait.finished')).length, 1);
  });
});

test('a refusal by a function says only what was expected and what arrived, not where in the library', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    await t.throwsAsync(ada.finishWork('no id'), {
      instanceOf: CoordinationError,
      message: 'invalid: work_id: expected 1 to 1024 characters of A-Z a-z 0-9 _ - . : / @; got no id',
    });
  });
});

test.serial(
  'thirty operations at once with one signal to abort them all cause no leak warning from Node',
  async (t) => {
    const warnings: string[] = [];
    const warn = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', warn);
    const own = await startRedis();
    try {
      await withSwarm(own, async (swarm) => {
        const { signal } = new AbortController();
        const join = (options: Partial<CoordinatorOptions>): Promise<Coordinator> =>
          swarm.join('ada', options);
        const ada = await join({ signal, callTimeoutMs: 100 });
        await thirty((at) => ada.changePhase(`phase-${at}`));
        const sent = await ada.sendSignal(['ben'], 'plan');
        await thirty(() => ada.waitForAcks(sent, { timeoutMs: 50, signal }));
        await thirty((at) => swarm.join(`other-${at}`, { signal }));
        await own.stop();
        await thirty(() => ada.changePhase('while Redis is away'));
      });
      await new Promise((resolve) => setImmediate(resolve)); // warnings are emitted in a later turn
      t.deepEqual(warnings, []);
    } finally {
      process.off('warning', warn);
      await own.stop();
    }
  },
);

function thirty<T>(operation: (at: number) => Promise<T>): Promise<PromiseSettledResult<T>[]> {
  return Promise.allSettled(Array.from({ length: 30 }, (_, at) => operation(at)));
}
