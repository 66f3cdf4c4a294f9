import { test } from '../harness/ava.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm } from '../harness/start-swarm.ts';
import { collectRejections, STRICT } from './signing.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

/** Recorded with the version before nonces, for a swarm named `recorded`. */
const RECORDED_SIGNAL = {
  signal_id: 'p',
  iteration: '1',
  sender_id: 'ada',
  receiver_id: 'ben',
  signal_type: 'plan',
  payload: 'tëxt',
  sent_ms: '1790000000000',
  key_id: 'k1',
  signature: 'hy9xovhAE0FfmHlduiaHfDy_aefAj86BaGJz33FxRtA',
};
const RECORDED_ACK = 'i617byVRWuH3jQFQkYOl0fGYfHyNj14uGDw2MvJGLrk';
const RECORDED = { swarmId: 'recorded', ...STRICT };

test('a signal signed by the earlier version is accepted, unless this is turned off, and gets an ACK that the earlier version understands', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { observer, facts } = collectRejections();
    const inbox = swarm.key('inbox:recorded|ben');
    const ada = await swarm.join('ada', RECORDED);
    const ben = await swarm.join('ben', { ...RECORDED, observer });
    await server.redis.xadd(inbox, '*', ...Object.entries(RECORDED_SIGNAL).flat());
    const [signal] = await takeSignals(ben, 1);
    t.like(signal, { id: 'p', payload: 'tëxt', sentMs: 1_790_000_000_000 });
    t.is(signal?.nonce, undefined);
    // As a program of the earlier version calls it.
    const args = ['recorded', 'ada', ada.life, 'p', 1, 'plan', 'tëxt', 0, 60_000, 'k1'] as const;
    await swarm.call('send-signal', ...args, 'ben', RECORDED_SIGNAL.signature);
    if (signal) t.is((await ben.acknowledgeSignal(signal)).status, 'recorded');
    const record = await server.redis.hget(swarm.key('acks:recorded|p|1'), 'ben');
    t.is(record?.split(' ')[2], RECORDED_ACK);
    ben.disconnect();
    const later = await swarm.join('ben', { ...RECORDED, observer, acceptEarlierSignatures: false });
    await swarm
      .join('eve', { ...RECORDED, acceptEarlierSignatures: false })
      .then((eve) => eve.sendSignal(['ben'], 'plan', { id: 'q' }));
    t.is((await takeSignals(later, 1))[0]?.id, 'q');
    t.deepEqual(facts, ['signal ada bad_signature earlier_version']);
  });
});

test('an ACK signed by the earlier version is accepted, unless this is turned off', async (t) => {
  for (const acceptEarlierSignatures of [true, false]) {
    await withSwarm(server, async (swarm) => {
      const options = { ...RECORDED, acceptEarlierSignatures };
      const [ada, ben] = [await swarm.join('ada', options), await swarm.join('ben', options)];
      const sent = await ada.sendSignal(['ben'], 'plan', { id: 'p', iteration: 1, payload: 'tëxt' });
      const [entry] = await server.redis.xrange(swarm.key('inbox:recorded|ben'), '-', '+');
      const signature = entry?.[1][entry[1].indexOf('signature') + 1];
      t.is(
        signature === RECORDED_SIGNAL.signature,
        acceptEarlierSignatures,
        'what the earlier version checks',
      );
      // As a program of the earlier version calls it: without a nonce.
      const ack = ['recorded', 'ben', 'p', 1, 'k1', RECORDED_ACK, 'ben', '', ben.life] as const;
      t.is(((await swarm.call('acknowledge-signal', ...ack)) as string[])[0], 'recorded');
      const { status } = await ada.waitForAcks(sent, { timeoutMs: acceptEarlierSignatures ? 20_000 : 100 });
      t.is(status, acceptEarlierSignatures ? 'completed' : 'timeout');
    });
  }
});
