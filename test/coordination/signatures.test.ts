import { test } from '../harness/ava.ts';
import { createKeyRing, joinSwarm } from '@streamfold/coordination';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm } from '../harness/start-swarm.ts';
import { collectRejections, K1, STRICT } from './signing.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const K2 = { id: 'k2', secret: 'second-secret-0123456789abcde' };

test('the signature covers the whole signal: a change of any field is detected, and aborts nothing', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { observer, facts } = collectRejections();
    const [ada, ben] = [await swarm.join('ada', STRICT), await swarm.join('ben', { ...STRICT, observer })];
    const inbox = swarm.key(`inbox:${swarm.swarmId}|ben`);
    await ada.sendSignal(['ben'], 'plan', { id: 'good', iteration: 1, payload: 'text' });
    const [entry] = await server.redis.xrange(inbox, '-', '+');
    const fields = entry?.[1] ?? [];
    const changes: Record<string, string> = {
      signal_id: 'other',
      iteration: '2',
      sender_id: 'eve',
      receiver_id: 'cyd',
      signal_type: 'other',
      payload: 'text ',
      key_id: 'k9',
      signature: 'AAAA', // of a wrong length
    };
    const reasons: string[] = [];
    for (const [name, value] of Object.entries({ ...changes, garbage: '' })) {
      const changed = [...fields];
      const at = changed.indexOf(name);
      if (at !== -1) changed[at + 1] = value;
      if (name === 'garbage')
        changed.splice(0, changed.length, 'nonsense', '\u0000', 'signature', '@@@', 'sender_id', 'a b');
      await server.redis.xadd(inbox, '*', ...changed);
      reasons.push(name === 'key_id' || name === 'garbage' ? 'unknown_key' : 'bad_signature');
    }
    for (const signature of ['', 'x'.repeat(43), '!'.repeat(43), 'é'.repeat(100_000)]) {
      const changed = [...fields];
      changed[changed.indexOf('signature') + 1] = signature;
      await server.redis.xadd(inbox, '*', ...changed);
      reasons.push(signature === '' ? 'unsigned' : 'bad_signature');
    }
    await ada.sendSignal(['ben'], 'plan', { id: 'last' });
    const came = await takeSignals(ben, 2);
    t.deepEqual(
      came.map(({ id }) => id),
      ['good', 'last'],
    );
    const rejected = await swarm.events('signal.rejected');
    t.deepEqual(
      rejected.map((event) => event['reason']),
      reasons,
    );
    t.is(facts.length, reasons.length);
    t.true(rejected.every((event) => event['part'] === 'signal' && event['receiver_id'] === 'ben'));
    t.is(rejected.at(8)?.['sender_id'], 'unknown', 'the event about a malformed signal is valid');
    t.is(await server.redis.xlen(inbox), 2, 'a refused signal is not delivered again');
  });
});

test('a signature of another swarm is invalid', (t) => {
  const ring = createKeyRing(STRICT);
  const message = ['signal', 's1', 'id', '0', 'a', 'b', 'type', 'payload'];
  const signature = ring.sign(message);
  t.is(ring.check(message, signature), undefined);
  for (const at of message.keys()) t.is(ring.check(message.with(at, 'x'), signature), 'bad_signature');
  t.is(ring.check(['signal', 's1', 'id', '0', 'a', 'b', 'typep', 'ayload'], signature), 'bad_signature');
});

test('an old and a new key are both valid while keys are replaced one after the other', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { observer, facts } = collectRejections();
    const older = await swarm.join('ada', { keys: [K1, K2], requireSignatures: true, observer });
    const newer = await swarm.join('ben', { keys: [K2, K1], requireSignatures: true, observer });
    const oldest = await swarm.join('cyd', { keys: [K1], requireSignatures: true, observer });
    const sent = await older.sendSignal(['ben', 'cyd'], 'plan');
    for (const each of [newer, oldest]) {
      const [signal] = await takeSignals(each, 1);
      if (signal) await each.acknowledgeSignal(signal);
    }
    t.like(await older.waitForAcks(sent, { timeoutMs: 5_000 }), {
      status: 'completed',
      acked: ['ben', 'cyd'],
    });
    t.deepEqual(facts, []);
    await newer.sendSignal(['cyd'], 'plan');
    await older.sendSignal(['cyd'], 'plan', { id: 'known' });
    t.deepEqual(
      (await takeSignals(oldest, 1)).map(({ id }) => id),
      ['known'],
    );
    t.deepEqual(facts, ['signal ben unknown_key']);
  });
});

const BAD_ACKS: [what: string, keyId: string, signature: string, reason: string][] = [
  ['of a wrong length', 'k1', 'AAAA', 'bad_signature'],
  ['of garbage', 'k1', '%%%%', 'bad_signature'],
  ['of an unknown key', 'k7', 'A'.repeat(43), 'unknown_key'],
  ['that is missing', '', '', 'unsigned'],
];

for (const [what, keyId, signature, reason] of BAD_ACKS) {
  for (const order of ['before it is judged', 'after it is judged']) {
    test(`a bad ACK, with a signature ${what}, aborts nothing: the valid one completes the wait, ${order}`, async (t) => {
      await withSwarm(server, async (swarm) => {
        const { observer, facts } = collectRejections();
        const [ada, ben] = [
          await swarm.join('ada', { ...STRICT, observer }),
          await swarm.join('ben', STRICT),
        ];
        const eve = await swarm.join('eve', STRICT);
        const sent = await ada.sendSignal(['ben', 'eve'], 'plan', { id: 'p' });
        const [mine] = await takeSignals(eve, 1);
        if (mine && order === 'after it is judged') await eve.acknowledgeSignal(mine);
        const waiting = ada.waitForAcks(sent, { timeoutMs: 20_000 });
        await waitUntil('it waits', async () => (await swarm.events('wait.started')).length === 1);
        await swarm.call(
          'acknowledge-signal',
          swarm.swarmId,
          'ben',
          'p',
          0,
          keyId,
          signature,
          'eve',
          '',
          eve.life,
        );
        if (order === 'after it is judged')
          await waitUntil('the signal to be judged', () => facts.length === 1);
        const [signal] = await takeSignals(ben, 1);
        if (signal) await ben.acknowledgeSignal(signal);
        if (mine && order === 'before it is judged') await eve.acknowledgeSignal(mine);
        t.like(await waiting, { status: 'completed', acked: ['ben', 'eve'], missing: [] });
        t.deepEqual(facts, [`ack ben ${reason}`]);
        const rejected = await swarm.events('signal.rejected');
        t.is(rejected.length, 1);
        t.like(rejected[0], {
          part: 'ack',
          reason,
          sender_id: 'ada',
          receiver_id: 'ben',
          signal_type: 'plan',
        });
      });
    });
  }
}

test('an ACK copied under the name of another receiver is rejected, and the wait times out for that receiver', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { observer, facts } = collectRejections();
    const [ada, ben] = [await swarm.join('ada', { ...STRICT, observer }), await swarm.join('ben', STRICT)];
    const sent = await ada.sendSignal(['ben', 'cyd'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(ben, 1);
    if (signal) await ben.acknowledgeSignal(signal);
    const record = await server.redis.hget(swarm.key(`acks:${swarm.swarmId}|p|0`), 'ben');
    const [, keyId = '', signature = ''] = record?.split(' ') ?? [];
    await swarm.call(
      'acknowledge-signal',
      swarm.swarmId,
      'cyd',
      'p',
      0,
      keyId,
      signature,
      'ben',
      '',
      ben.life,
    );
    t.like(await ada.waitForAcks(sent, { timeoutMs: 200 }), {
      status: 'timeout',
      acked: ['ben'],
      missing: ['cyd'],
    });
    t.deepEqual(facts, ['ack cyd bad_signature']);
  });
});

test('an unverified ACK does not complete a wait that verifies', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, eve] = [await swarm.join('ada', STRICT), await swarm.join('eve', STRICT)];
    const { swarmId } = swarm;
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    await swarm.call('start-wait', swarmId, 'ada', ada.life, 'w', 'p', 0, 60_000, 1_000);
    await swarm.call('acknowledge-signal', swarmId, 'ben', 'p', 0, 'k1', 'forged', 'eve', '', eve.life);
    t.deepEqual(await swarm.call('finish-wait', swarmId, 'w', 'if_complete', 'verified'), ['open']);
    const ended = (await swarm.call('finish-wait', swarmId, 'w', 'timeout', 'verified')) as string[];
    t.deepEqual([ended[1], ended[3], ended[4]], ['timeout', '', 'ben']);
  });
});

test('requiring signatures without keys is refused, and so is a secret that is too short', async (t) => {
  const options = { url: server.url, swarmId: 's', coordinatorId: 'c' };
  await t.throwsAsync(joinSwarm({ ...options, requireSignatures: true }), {
    name: 'ConfigurationError',
    message: 'signatures are required: expected at least one key; got none',
  });
  await t.throwsAsync(joinSwarm({ ...options, keys: [{ id: 'k', secret: 'short' }] }), {
    name: 'ConfigurationError',
    message: /^secret of key k: expected at least 22 characters; got 5$/,
  });
});

test('if no signature is required, unsigned signals pass, and badly signed ones do not', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { observer, facts } = collectRejections();
    const unsigned = await swarm.join('ada');
    const other = await swarm.join('eve', { keys: [{ ...K1, secret: K2.secret }] });
    const ben = await swarm.join('ben', { keys: [K1], observer });
    await other.sendSignal(['ben'], 'plan', { id: 'bad' });
    await unsigned.sendSignal(['ben'], 'plan', { id: 'unsigned' });
    t.deepEqual(
      (await takeSignals(ben, 1)).map(({ id }) => id),
      ['unsigned'],
    );
    t.deepEqual(facts, ['signal eve bad_signature']);
  });
});
