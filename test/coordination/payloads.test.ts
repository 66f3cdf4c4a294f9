import { test } from '../harness/ava.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const KEYS = { keys: [{ id: 'k1', secret: 'a-secret-of-enough-characters' }], requireSignatures: true };
const CUT = 'done \u{1F600}'.slice(0, -1); // ends in half of a surrogate pair

test('text cut inside a character is refused at the sender, signed or not, and nothing is written', async (t) => {
  for (const options of [{}, KEYS]) {
    await withSwarm(server, async (swarm) => {
      const ada = await swarm.join('ada', options);
      const before = await server.redis.keys(`${swarm.prefix}:*`);
      const refused = {
        name: 'CoordinationError',
        message: /^invalid: payload: expected text .*; got half of/,
      };
      for (const payload of [CUT, `${CUT} and more`, '\uDE00']) {
        await t.throwsAsync(ada.sendSignal(['ben'], 'plan', { payload }), refused);
        await t.throwsAsync(ada.openWork('job', payload), refused);
      }
      await t.throwsAsync(ada.sendSignal(['ben'], 'plan', { id: CUT }), { message: /^invalid: signal_id/ });
      await t.throwsAsync(ada.sendSignal(['ben'], CUT), { message: /^invalid: signal_type/ });
      await t.throwsAsync(ada.sendSignal([CUT], 'plan'), { message: /^receiver: expected/ });
      t.deepEqual((await server.redis.keys(`${swarm.prefix}:*`)).toSorted(), before.toSorted());
    });
  }
});

test('whole characters of every plane arrive as they were sent, in signals and in work', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada', KEYS), await swarm.join('ben', KEYS)];
    const payload = '\u{1F600} \u{10FFFF} \uFFFD \u0000 \u2028 "\\';
    await ada.sendSignal(['ben'], 'plan', { payload });
    t.is((await takeSignals(ben, 1))[0]?.payload, payload);
    await ada.openWork('job', payload);
    t.is((await ada.listWork())[0]?.payload, payload);
  });
});

test('a payload is measured in bytes, and one of more than 1 MiB is refused', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const payload = 'é'.repeat(1024 * 512 + 1);
    const refused = { message: 'invalid: payload: expected at most 1048576 bytes; got 1048578' };
    await t.throwsAsync(ada.sendSignal(['ben'], 'plan', { payload }), refused);
    await t.throwsAsync(ada.openWork('job', payload), refused);
    t.false((await ada.sendSignal(['ben'], 'plan', { payload: payload.slice(1) })).repeated);
  });
});
