import { test } from '../harness/ava.ts';
import { createKeyRing } from '@streamfold/coordination';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm, type TestSwarm } from '../harness/start-swarm.ts';
import { collectRejections, STRICT } from './signing.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const inboxOf = (swarm: TestSwarm, id: string): string => swarm.key(`inbox:${swarm.swarmId}|${id}`);

/** The entries of an inbox: ID, and fields by name. */
async function readInbox(swarm: TestSwarm, id: string): Promise<[string, Record<string, string>][]> {
  const entries = await server.redis.xrange(inboxOf(swarm, id), '-', '+');
  return entries.map(([entryId, flat]) => {
    const pairs = flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []));
    return [entryId, Object.fromEntries(pairs) as Record<string, string>];
  });
}

type Fields = Readonly<Record<string, string>>;

function put(inbox: string, fields: Fields, entryId = '*'): Promise<string | null> {
  return server.redis.xadd(inbox, entryId, ...Object.entries(fields).flat());
}

/** Deletes a signal and its ACKs, as the end of its retention does. */
async function forget(swarm: TestSwarm, signal: string): Promise<void> {
  for (const kind of ['signal', 'acks'])
    await server.redis.del(swarm.key(`${kind}:${swarm.swarmId}|${signal}`));
}

for (const acceptEarlierSignatures of [true, false]) {
  const mode = acceptEarlierSignatures ? 'beside the earlier version' : 'among programs of this version';
  test(`everything that a receiver acts on is signed, including the time of sending, ${mode}`, async (t) => {
    await withSwarm(server, async (swarm) => {
      const { observer, facts } = collectRejections();
      const options = { ...STRICT, acceptEarlierSignatures };
      const ada = await swarm.join('ada', options);
      const ben = await swarm.join('ben', { ...options, observer });
      const changes: Record<string, string> = {
        signal_id: 'other',
        iteration: '2',
        sender_id: 'eve',
        receiver_id: 'cyd',
        signal_type: 'other',
        payload: 'text ',
        sent_ms: '1',
        nonce: 'A'.repeat(22),
        deliver_by_ms: '9999999999999',
      };
      for (const [name, value] of Object.entries(changes)) {
        await ada.sendSignal(['ben'], 'plan', { iteration: 1, payload: 'text' });
        const [[entryId, fields] = ['', {}]] = await readInbox(swarm, 'ben');
        t.true(name in fields, name);
        await server.redis.xdel(inboxOf(swarm, 'ben'), entryId);
        await put(inboxOf(swarm, 'ben'), { ...fields, [name]: value });
        await ada.sendSignal(['ben'], 'plan', { id: `after-${name}` });
        t.is((await takeSignals(ben, 1))[0]?.id, `after-${name}`);
        await server.redis.xtrim(inboxOf(swarm, 'ben'), 'MAXLEN', 0);
      }
      t.is(facts.length, Object.keys(changes).length);
      t.true(facts.every((fact) => fact.includes(' bad_signature')));
    });
  });
}

for (const how of ['acknowledgeSignal', 'settleSignal'] as const) {
  test(`a settled signal is refused when it arrives again, in this life and the next: ${how}`, async (t) => {
    await withSwarm(server, async (swarm) => {
      const { observer, facts } = collectRejections();
      const options = { ...STRICT, observer };
      const [ada, first] = [await swarm.join('ada', STRICT), await swarm.join('ben', options)];
      await ada.sendSignal(['ben'], 'plan', { id: 'p' });
      const [[, fields] = ['', {}]] = await readInbox(swarm, 'ben');
      const [signal] = await takeSignals(first, 1);
      await put(inboxOf(swarm, 'ben'), fields); // a copy of a signal that is still pending
      if (signal) await first[how](signal);
      const replay = async (): Promise<void> => {
        const last = (await server.redis.xinfo('STREAM', inboxOf(swarm, 'ben'))) as string[];
        const [lastId = ''] = last.slice(last.indexOf('last-generated-id') + 1);
        await put(
          inboxOf(swarm, 'ben'),
          fields,
          `${lastId.split('-')[0]}-${Number(lastId.split('-')[1]) + 1}`,
        );
        await put(inboxOf(swarm, 'ben'), fields);
      };
      await replay();
      await ada.sendSignal(['ben'], 'plan', { id: 'q' });
      t.is((await takeSignals(first, 1))[0]?.id, 'q');
      t.deepEqual(facts, Array(3).fill('signal ada bad_signature replayed'));
      first.disconnect();
      await replay();
      const second = await swarm.join('ben', options);
      await ada.sendSignal(['ben'], 'plan', { id: 'r' });
      const came = await takeSignals(second, 2);
      t.deepEqual(
        came.map(({ id, redelivered }) => [id, redelivered]),
        [
          ['q', true],
          ['r', false],
        ],
      );
      t.is(facts.length, 5);
      t.like((await swarm.events('signal.rejected'))[0], { reason: 'bad_signature', detail: 'replayed' });
    });
  });
}

test('a copy that arrives long after the signal is refused even if the signal is forgotten', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { observer, facts } = collectRejections();
    const [ada, ben] = [await swarm.join('ada', STRICT), await swarm.join('ben', { ...STRICT, observer })];
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    const [[entryId, fields] = ['', {}]] = await readInbox(swarm, 'ben');
    await server.redis.xdel(inboxOf(swarm, 'ben'), entryId);
    await put(inboxOf(swarm, 'ben'), fields, `${Number(entryId.split('-')[0]) + 20_000}-0`);
    await ada.sendSignal(['ben'], 'plan', { id: 'q' });
    t.is((await takeSignals(ben, 1))[0]?.id, 'q');
    t.deepEqual(facts, ['signal ada bad_signature replayed']);
  });
});

test('signed signals still arrive after the clock of Redis was set back', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { observer, facts } = collectRejections();
    const [ada, ben] = [await swarm.join('ada', STRICT), await swarm.join('ben', { ...STRICT, observer })];
    await ada.sendSignal(['ben'], 'plan', { id: 'before' });
    await server.redis.call('XSETID', inboxOf(swarm, 'ben'), `${Date.now() + 3_600_000}-5`);
    const sent = await ada.sendSignal(['ben'], 'plan', { id: 'after' });
    t.deepEqual(
      (await takeSignals(ben, 2)).map(({ id }) => id),
      ['before', 'after'],
    );
    t.true(Math.abs(sent.sentMs - Date.now()) < 60_000);
    t.deepEqual(facts, []);
  });
});

for (const options of [{}, STRICT]) {
  const signed = 'keys' in options ? 'signed' : 'not signed';
  test(`an ACK of an earlier signal of the same id and iteration does not complete a wait, ${signed}`, async (t) => {
    await withSwarm(server, async (swarm) => {
      const { observer, facts } = collectRejections();
      const ada = await swarm.join('ada', { ...options, observer });
      const ben = await swarm.join('ben', options);
      await ada.sendSignal(['ben'], 'plan', { id: 'p', iteration: 1 });
      const [old] = await takeSignals(ben, 1);
      if (old === undefined) throw new Error('expected a signal');
      t.is((await ben.acknowledgeSignal(old)).status, 'recorded');
      const record = await server.redis.hget(swarm.key(`acks:${swarm.swarmId}|p|1`), 'ben');
      await forget(swarm, 'p|1');
      const sent = await ada.sendSignal(['ben'], 'plan', { id: 'p', iteration: 1 });
      t.false(sent.repeated);
      t.is((await ben.acknowledgeSignal(old)).status, 'unknown');
      const [, keyId = '', signature = ''] = record?.split(' ') ?? [];
      const { swarmId } = swarm;
      if (signature !== '') {
        await swarm.call('acknowledge-signal', swarmId, 'ben', 'p', 1, keyId, signature, 'ben', '', ben.life);
      }
      const timedOut = await ada.waitForAcks(sent, { timeoutMs: 100 });
      t.like(timedOut, { status: 'timeout', missing: ['ben'] });
      t.deepEqual(facts, signature === '' ? [] : ['ack ben bad_signature']);
      const [signal] = await takeSignals(ben, 1);
      if (signal) t.is((await ben.acknowledgeSignal(signal)).status, 'recorded');
      t.is((await ada.waitForAcks(sent, { timeoutMs: 20_000 })).status, 'completed');
    });
  });
}

test('a sender that sends again after a restart waits for the ACKs of the signal as first sent', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [first, ben] = [await swarm.join('ada', STRICT), await swarm.join('ben', STRICT)];
    const sent = await first.sendSignal(['ben'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(ben, 1);
    if (signal) await ben.acknowledgeSignal(signal);
    const second = await swarm.join('ada', STRICT);
    const again = await second.sendSignal(['ben'], 'plan', { id: 'p' });
    t.deepEqual(again, { ...sent, repeated: true });
    t.is((await second.waitForAcks(again, { timeoutMs: 20_000 })).status, 'completed');
    const { nonce, ...kept } = again;
    t.is(nonce, signal?.nonce);
    t.is(
      (await second.waitForAcks(kept, { timeoutMs: 20_000 })).status,
      'completed',
      'also without the nonce',
    );
  });
});

test('any number of bad ACKs does not crowd out that of the receiver', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { observer, facts } = collectRejections();
    const [ada, ben] = [await swarm.join('ada', { ...STRICT, observer }), await swarm.join('ben', STRICT)];
    const eve = await swarm.join('eve', STRICT);
    const sent = await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    const { swarmId } = swarm;
    for (let at = 0; at < 20; at++) {
      const forged = `${at}`.padStart(43, 'A');
      await swarm.call('acknowledge-signal', swarmId, 'ben', 'p', 0, 'k1', forged, 'eve', '', eve.life);
    }
    const [signal] = await takeSignals(ben, 1);
    if (signal) await ben.acknowledgeSignal(signal);
    const result = await ada.waitForAcks(sent, { timeoutMs: 20_000 });
    t.like(result, { status: 'completed', acked: ['ben'] });
    t.is(facts.length, 8, 'at most eight of them are kept');
  });
});

test('a signature has one form: another text that decodes to the same bytes is refused', (t) => {
  const ring = createKeyRing(STRICT);
  const { keyId, signature } = ring.sign(['message']);
  t.is(ring.check(['message'], { keyId, signature }), undefined);
  const last = signature.at(-1) ?? '';
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const others = alphabet
    .split('')
    .filter((letter) => letter !== last)
    .map((letter) => signature.slice(0, -1) + letter);
  const forms = [`${signature}=`, `${signature} `, `${signature}\n`, ` ${signature}`, `${signature}.`];
  const plain = signature.replaceAll('-', '+').replaceAll('_', '/');
  for (const other of [...others, ...forms, ...(plain === signature ? [] : [plain])]) {
    t.is(ring.check(['message'], { keyId, signature: other }), 'bad_signature', other);
  }
  const same = others.filter((other) =>
    Buffer.from(other, 'base64url').equals(Buffer.from(signature, 'base64url')),
  );
  t.is(same.length, 3, 'some of them do decode to the same bytes');
});

test('a signal is refused in the inbox of another coordinator while its receiver lives, and accepted once it was handed over', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { observer, facts } = collectRejections();
    const [ada, ben] = [await swarm.join('ada', STRICT), await swarm.join('ben', STRICT)];
    const cyd = await swarm.join('cyd', { ...STRICT, observer });
    await ada.sendSignal(['ben', 'dan'], 'plan', { id: 'p' });
    for (const id of ['ben', 'dan']) {
      const [[, fields] = ['', {}]] = await readInbox(swarm, id);
      await put(inboxOf(swarm, 'cyd'), fields);
    }
    await ada.sendSignal(['cyd'], 'plan', { id: 'own' });
    const [own] = await takeSignals(cyd, 1);
    t.is(own?.id, 'own');
    if (own) await cyd.settleSignal(own);
    t.deepEqual(
      facts,
      Array(2).fill('signal ada bad_signature wrong_inbox'),
      'dan never joined: nobody takes over',
    );
    await ben.leave();
    t.is((await cyd.takeOver('ben')).signals, 1);
    await swarm.join('ben', STRICT); // it is alive again, but the signal was sent to its previous life
    const [signal] = await takeSignals(cyd, 1);
    t.like(signal, { id: 'p', receiverId: 'ben' });
    const [[, fields] = ['', {}]] = await readInbox(swarm, 'cyd');
    if (signal) t.is((await cyd.acknowledgeSignal(signal)).status, 'recorded');
    await put(inboxOf(swarm, 'cyd'), fields);
    await ada.sendSignal(['cyd'], 'plan', { id: 'last' });
    t.is((await takeSignals(cyd, 1))[0]?.id, 'last');
    t.is(facts[2], 'signal ada bad_signature replayed');
  });
});
