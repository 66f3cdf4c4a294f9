import { test } from '../harness/ava.ts';
import { startCommandLog } from '../harness/command-log.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

test('a wait is completed by the last ACK, and says who ACKed', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben, cyd] = [await swarm.join('ada'), await swarm.join('ben'), await swarm.join('cyd')];
    const sent = await ada.sendSignal(['ben', 'cyd'], 'plan');
    const waiting = ada.waitForAcks(sent, { timeoutMs: 20_000 });
    for (const each of [cyd, ben]) {
      t.is((await swarm.events('wait.finished')).length, 0);
      const [signal] = await takeSignals(each, 1);
      if (signal) await each.acknowledgeSignal(signal);
    }
    const result = await waiting;
    t.like(result, { status: 'completed', acked: ['ben', 'cyd'], missing: [] });
    const [started] = await swarm.events('wait.started');
    t.like(started, { coordinator_id: 'ada', timeout_ms: '20000', expected: '2' });
    const finished = await swarm.events('wait.finished');
    t.is(finished.length, 1);
    t.like(finished[0], { coordinator_id: 'ada', status: 'completed', wait_id: started?.['wait_id'] });
    t.is(Number(finished[0]?.['duration_ms']), result.durationMs);
    t.deepEqual(await swarm.events('timeout'), []);
  });
});

test('a wait that times out reports `blocking` once and `signal_ack` for each missing receiver', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    const sent = await ada.sendSignal(['ben', 'cyd', 'dan'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(ben, 1);
    if (signal) await ben.acknowledgeSignal(signal);
    const result = await ada.waitForAcks(sent, { timeoutMs: 60 });
    t.like(result, { status: 'timeout', acked: ['ben'], missing: ['cyd', 'dan'] });
    t.true(result.durationMs >= 55 && result.durationMs < 2_000, String(result.durationMs));
    const timeouts = await swarm.events('timeout');
    t.deepEqual(
      timeouts.map((event) => [event['coordinator_id'], event['timeout_type'], event['receiver_id']]),
      [
        ['ada', 'blocking', undefined],
        ['ada', 'signal_ack', 'cyd'],
        ['ada', 'signal_ack', 'dan'],
      ],
    );
    await swarm.step();
    t.is((await swarm.events('timeout')).length, 3, 'a monitor does not report them again');
  });
});

test('a wait with the longest time-out stays open, a longer one is refused in one line', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const sent = await ada.sendSignal(['ben'], 'plan');
    const longest = 2_147_481_647;
    for (const timeoutMs of [longest + 1, 2_147_483_648, 31 * 86_400_000]) {
      await t.throwsAsync(ada.waitForAcks(sent, { timeoutMs, signal: AbortSignal.timeout(5_000) }), {
        message: `timeoutMs: expected a whole number from 1 to ${longest}; got ${timeoutMs}`,
      });
    }
    t.deepEqual(await swarm.events('wait.started'), []);
    const abort = new AbortController();
    const waiting = ada.waitForAcks(sent, { timeoutMs: longest, signal: abort.signal });
    await waitUntil('it waits', async () => (await swarm.events('wait.started')).length === 1);
    await swarm.step();
    t.deepEqual(await swarm.events('wait.finished'), []);
    abort.abort();
    t.is((await waiting).status, 'error');
  });
});

test('an aborted wait ends as an error, even if it was aborted before it began', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const sent = await ada.sendSignal(['ben'], 'plan');
    const abort = new AbortController();
    const waiting = ada.waitForAcks(sent, { timeoutMs: 20_000, signal: abort.signal });
    await waitUntil('it waits', async () => (await swarm.events('wait.started')).length === 1);
    abort.abort();
    t.like(await waiting, { status: 'error', missing: ['ben'] });
    t.like(await ada.waitForAcks(sent, { timeoutMs: 20_000, signal: abort.signal }), { status: 'error' });
    t.is((await swarm.events('wait.finished')).length, 2);
    t.deepEqual(await swarm.events('timeout'), []);
  });
});

test.serial('the waiter is woken: while it waits it sends only its blocking read', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    const sent = await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(ben, 1);
    const log = await startCommandLog(server.port, swarm.prefix);
    const waiting = ada.waitForAcks(sent, { timeoutMs: 20_000 });
    const reads = (): number => log.commands().filter((name) => name === 'xread').length;
    await waitUntil('two blocking reads to be in progress', () => reads() === 2);
    const before = log.commands();
    if (signal) await ben.acknowledgeSignal(signal);
    t.is((await waiting).status, 'completed');
    log.stop();
    // The position of the bell, the start of the wait, and checks whether it is already complete, at most two because the bell
    // rings once when it is found: then only blocking reads.
    const calls = before.filter((name) => name !== 'xread');
    t.true(calls.length <= 4, calls.join(' '));
    t.deepEqual([...new Set(calls)].toSorted(), ['fcall', 'xrevrange']);
    t.is(before.at(-1), 'xread');
  });
});

test('a refused wait says why: unknown signal, signal of another sender, ended life', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, eve] = [await swarm.join('ada'), await swarm.join('eve')];
    const sent = await ada.sendSignal(['ben'], 'plan');
    await t.throwsAsync(ada.waitForAcks({ ...sent, iteration: 5 }, { timeoutMs: 9 }), {
      message: /^unknown_signal/,
    });
    await t.throwsAsync(eve.waitForAcks(sent, { timeoutMs: 9 }), { message: /^not_sender/ });
    await swarm.join('ada');
    await t.throwsAsync(ada.waitForAcks(sent, { timeoutMs: 9 }), { message: /^ended/ });
    await t.throwsAsync(ada.waitForAcks(sent, { timeoutMs: 0 }), { name: 'ConfigurationError' });
    t.deepEqual(await swarm.events('wait.started'), []);
  });
});

test('a crash while waiting leaves nothing open: a monitor ends the wait past its deadline, once', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const { swarmId } = swarm;
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    await swarm.call('start-wait', swarmId, 'ada', ada.life, 'w', 'p', 0, 300, 700);
    ada.disconnect();
    t.like(await swarm.step({ graceMs: 0 }), { waits: 0 });
    await waitUntil('a monitor ends it', async () => (await swarm.step()).waits === 1);
    t.is((await swarm.step()).waits, 0);
    const [finished] = await swarm.events('wait.finished');
    t.like(finished, { coordinator_id: 'ada', status: 'timeout', wait_id: 'w' });
    t.true(Number(finished?.['duration_ms']) >= 999); // deadlines are whole ms
    t.is((await swarm.events('timeout')).length, 2);
    t.is(await server.redis.zcard(swarm.key('deadlines')), 0);
    t.is(await server.redis.exists(swarm.key(`waits:${swarmId}|ada`)), 0);
  });
});

test('waits of a coordinator that is declared dead end as errors, before the events of its death', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada', { staleAfterMs: 30, deadAfterMs: 60 });
    const sent = await ada.sendSignal(['ben'], 'plan');
    await swarm.step({ graceMs: 0 });
    const waiting = ada.waitForAcks(sent, { timeoutMs: 60_000 });
    await waitUntil('it waits', async () => (await swarm.events('wait.started')).length === 1);
    await waitUntil('it is dead', async () => (await swarm.step()).dead === 1);
    t.like(
      await waiting,
      { status: 'error', missing: ['ben'] },
      'a coordinator that is declared dead gets the result if its process still runs',
    );
    const events = await swarm.events();
    t.deepEqual(
      events
        .slice(-3)
        .map((event) => [event['type'], event['status'] ?? event['failure_type'] ?? event['timeout_type']]),
      [
        ['wait.finished', 'error'],
        ['heartbeat.stale', 'timeout'],
        ['timeout', 'heartbeat'],
      ],
    );
  });
});

test('a wait that is open when its coordinator leaves or crashes does not hang', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, eve] = [await swarm.join('ada'), await swarm.join('eve')];
    const options = { timeoutMs: 600_000 };
    const leaving = ada.waitForAcks(await ada.sendSignal(['ben'], 'plan'), options);
    const crashing = eve.waitForAcks(await eve.sendSignal(['ben'], 'plan'), options);
    await waitUntil('both wait', async () => (await swarm.events('wait.started')).length === 2);
    await ada.leave();
    t.like(await leaving, { status: 'error', missing: ['ben'] });
    eve.disconnect();
    await t.throwsAsync(crashing);
    const next = await swarm.join('eve');
    t.is(
      (await swarm.events('wait.finished')).length,
      2,
      'the next life ends the open waits of the previous one',
    );
    await next.leave();
  });
});

test('missing ACKs that nobody waits for are reported as overdue once, with their receivers', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben', 'cyd'], 'plan', { id: 'p', ackTimeoutMs: 30 });
    await ada.sendSignal(['ben'], 'plan', { id: 'q', ackTimeoutMs: 30, retentionMs: 1_000 });
    for (const signal of await takeSignals(ben, 2)) await ben.acknowledgeSignal(signal);
    await swarm.step({ graceMs: 0 });
    await waitUntil(
      'overdue',
      async () => (await swarm.events('timeout')).length > 0 || (await swarm.step()).signals > 0,
    );
    await swarm.step();
    t.deepEqual(await swarm.events('timeout'), [
      {
        type: 'timeout',
        swarm_id: swarm.swarmId,
        coordinator_id: 'ada',
        timeout_type: 'signal_ack',
        signal_id: 'p',
        receiver_id: 'cyd',
      },
    ]);
  });
});

test('a signal is remembered as long as somebody waits for its ACKs', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben', 'cyd'], 'plan', { id: 'p', retentionMs: 1_000 });
    const [signal] = await takeSignals(ben, 1);
    if (signal) await ben.acknowledgeSignal(signal);
    const { swarmId } = swarm;
    await swarm.call('start-wait', swarmId, 'ada', ada.life, 'w', 'p', 0, 60_000, 1_000);
    for (const kind of ['signal', 'acks']) {
      t.true((await server.redis.pttl(swarm.key(`${kind}:${swarmId}|p|0`))) > 61_000);
    }
  });
});
