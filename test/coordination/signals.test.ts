import { test } from '../harness/ava.ts';
import { CoordinationError } from '@streamfold/coordination';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

test('nothing is overwritten: signals of two senders to one receiver both arrive, in order', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, eva, ben] = await Promise.all(['ada', 'eva', 'ben'].map((id) => swarm.join(id)));
    if (!ada || !eva || !ben) throw new Error('expected three');
    for (let round = 0; round < 150; round++) {
      await ada.sendSignal(['ben'], 'a', { payload: `ada ${round}` });
      await eva.sendSignal(['ben'], 'e', { payload: `eva ${round}` });
    }
    const came = await takeSignals(ben, 300);
    const due = Array.from({ length: 150 }, (_, round) => [`ada ${round}`, `eva ${round}`]).flat();
    t.deepEqual(
      came.map(({ payload }) => payload),
      due,
    );
    t.is((await swarm.events('signal.sent')).length, 300);
  });
});

test('a signal is delivered to each of its receivers, and counted once for each', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const receivers = ['r1', 'r2', 'r3'];
    const payload = 'ü "quoted" \u0000 \n|{}';
    const sent = await ada.sendSignal(receivers, 'plan', { payload, id: 'p', iteration: 3 });
    for (const id of receivers) {
      const [signal] = await takeSignals(await swarm.join(id), 1);
      t.like(signal, { id: 'p', iteration: 3, type: 'plan', senderId: 'ada', receiverId: id, payload });
      t.like(signal, { sentMs: sent.sentMs, redelivered: false });
    }
    const events = await swarm.events('signal.sent');
    t.deepEqual(
      events.map((event) => [
        event['sender_id'],
        event['receiver_id'],
        event['signal_type'],
        event['signal_id'],
      ]),
      receivers.map((id) => ['ada', id, 'plan', 'p']),
    );
  });
});

test('the same id and iteration is the same signal: sending it again delivers and counts nothing', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const first = await ada.sendSignal(['ben', 'cyd'], 'plan', { id: 'p', iteration: 1 });
    const again = await ada.sendSignal(['ben', 'dan'], 'other', { id: 'p', iteration: 1 });
    t.deepEqual(again, { ...first, repeated: true }, 'the reply describes the signal as it was first sent');
    const next = await ada.sendSignal(['ben'], 'plan', { id: 'p', iteration: 2 });
    t.false(next.repeated);
    t.is((await swarm.events('signal.sent')).length, 3);
    t.is(await server.redis.xlen(swarm.key(`inbox:${swarm.swarmId}|ben`)), 2);
    t.is(await server.redis.exists(swarm.key(`inbox:${swarm.swarmId}|dan`)), 0);
  });
});

test('a signal with the id of another sender is refused, not silently dropped', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, eva] = [await swarm.join('ada'), await swarm.join('eva')];
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    await t.throwsAsync(eva.sendSignal(['ben'], 'plan', { id: 'p' }), {
      instanceOf: CoordinationError,
      message: /^not_sender/,
    });
  });
});

test('a receiver listed twice counts once; an empty list is refused and nothing is written', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    const sent = await ada.sendSignal(['ben', 'ben', 'ben'], 'plan');
    t.deepEqual(sent.receivers, ['ben']);
    const [signal] = await takeSignals(ben, 1);
    if (signal) await ben.acknowledgeSignal(signal);
    const result = await ada.waitForAcks(sent, { timeoutMs: 5_000 });
    t.like(result, { status: 'completed', acked: ['ben'], missing: [] });
    const before = await server.redis.keys(`${swarm.prefix}:*`);
    await t.throwsAsync(ada.sendSignal([], 'plan'), {
      message: /^invalid: receivers: expected 1 to 1000; got 0/,
    });
    const many = Array.from({ length: 1_001 }, (_, at) => `r${at}`);
    await t.throwsAsync(ada.sendSignal(many, 'plan'), { message: /got 1001/ });
    await t.throwsAsync(ada.sendSignal(['b c'], 'plan'), { name: 'ConfigurationError' });
    await t.throwsAsync(ada.sendSignal(['ben'], 'pl|an'), { message: /^invalid: signal_type/ });
    t.deepEqual((await server.redis.keys(`${swarm.prefix}:*`)).toSorted(), before.toSorted());
    t.is((await swarm.events('signal.sent')).length, 1);
  });
});

test('unsettled signals of a life are delivered again to the next one, before new ones, until they are settled', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const first = await swarm.join('ben');
    for (const id of ['1', '2', '3']) await ada.sendSignal(['ben'], 'plan', { id });
    const [one, two] = await takeSignals(first, 2);
    if (one) await first.settleSignal(one);
    t.is(two?.id, '2');
    first.disconnect();
    await ada.sendSignal(['ben'], 'plan', { id: '4' });
    const second = await swarm.join('ben');
    const came = await takeSignals(second, 3);
    t.deepEqual(
      came.map(({ id, redelivered }) => [id, redelivered]),
      [
        ['2', true],
        ['3', true], // it had been read with the others
        ['4', false],
      ],
    );
    for (const signal of came) await second.settleSignal(signal);
    t.is(await server.redis.xlen(swarm.key(`inbox:${swarm.swarmId}|ben`)), 0);
    t.is((await swarm.events('signal.sent')).length, 4, 'a redelivery is not counted');
  });
});

test('an ended life takes no signal from the one after it', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const paused = await swarm.join('ben');
    const reading = takeSignals(paused, 1); // blocks in Redis, like the read of a stopped process
    await ada.changePhase('sending');
    const next = await swarm.join('ben');
    await t.throwsAsync(reading, { instanceOf: CoordinationError, message: /^ended/ });
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(next, 1);
    t.is(signal?.id, 'p');
    if (!signal) return;
    await t.throwsAsync(paused.acknowledgeSignal(signal), { message: /^ended/ });
    await t.throwsAsync(paused.settleSignal(signal), { message: /^ended/ });
    await t.throwsAsync(takeSignals(paused, 1), { message: /^ended/ });
    t.is((await next.acknowledgeSignal(signal)).status, 'recorded');
  });
});

test('a sender whose life has ended is refused; its earlier signals are still delivered and ACKed', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben'], 'plan', { id: 'before' });
    await swarm.call('stop-coordinator', swarm.swarmId, 'ada', ada.life, 'terminated');
    await t.throwsAsync(ada.sendSignal(['ben'], 'plan', { id: 'after' }), { message: /^ended/ });
    t.true(
      (await ada.sendSignal(['ben'], 'plan', { id: 'before' })).repeated,
      'it was sent, and that is told',
    );
    const [signal] = await takeSignals(ben, 1);
    if (signal) t.is((await ben.acknowledgeSignal(signal)).status, 'recorded');
    t.is((await swarm.events('signal.sent')).length, 1);
    t.is((await swarm.events('signal.acked')).length, 1);
  });
});

test('receiving ends when the coordinator leaves', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ben = await swarm.join('ben');
    const reading = takeSignals(ben, 1);
    await ben.leave();
    t.deepEqual(await reading, []);
  });
});
