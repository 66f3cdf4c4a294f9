import { test } from '../harness/ava.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { startStreamfold, type RunningStreamfold } from '../harness/start-streamfold.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const LISTENING = /"url":"([^"]+)"/;

function startServe(args: readonly string[], env: Readonly<Record<string, string>>): RunningStreamfold {
  return startStreamfold(['serve', ...args], { env: { STREAMFOLD_REDIS_URL: server.url, ...env } });
}

interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
}

function readLog(stdout: string): LogLine[] {
  return stdout.trim().split('\n').map((line) => JSON.parse(line) as LogLine); // prettier-ignore
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends serve with exit code 0, and every line of its log is JSON`, async (t) => {
    const serve = startServe([], { STREAMFOLD_PORT: '0', STREAMFOLD_PREFIX: signal.toLowerCase() });
    const url = await serve.waitFor(LISTENING);
    await waitUntil('it to be ready', async () => (await fetch(`${url}/readyz`)).status === 200);
    serve.kill(signal);
    const { code, stdout, stderr } = await serve.ended;
    t.deepEqual([code, stderr], [0, '']);
    const log = readLog(stdout);
    t.deepEqual([log[0]?.msg, log.at(-1)?.msg], ['starting', 'stopped']);
    for (const { level, time } of log) {
      t.true(['debug', 'info', 'warn', 'error'].includes(level));
      t.is(new Date(time).toISOString(), time);
    }
  });
}

test('flags override variables, and variables override defaults', async (t) => {
  const serve = startServe(['--port', '0', '--prefix', 'flag', '--consumer', 'by-flag'], {
    STREAMFOLD_PORT: 'not looked at',
    STREAMFOLD_PREFIX: 'variable',
    STREAMFOLD_CONSUMER: 'by-variable',
    STREAMFOLD_HOST: '127.0.0.2',
    STREAMFOLD_SHARDS: '2',
  });
  const url = await serve.waitFor(LISTENING);
  t.regex(url, /^http:\/\/127\.0\.0\.2:\d+$/);
  await waitUntil('it to be ready', async () => (await fetch(`${url}/readyz`)).status === 200);
  t.is(await server.redis.get('flag:shards'), '2');
  const [start] = readLog(serve.output());
  t.like(start, { consumer: 'by-flag', shards: 2, redis: server.url });
  serve.kill('SIGTERM');
  t.is((await serve.ended).code, 0);
});

test('while Redis is unreachable serve keeps trying, answers requests, and still stops at once', async (t) => {
  const serve = startServe(['--redis', 'redis://:hush@127.0.0.1:1', '--port', '0'], {});
  const url = await serve.waitFor(LISTENING);
  await serve.waitFor(/"msg":"failed; trying again"/);
  t.is((await fetch(`${url}/livez`)).status, 200);
  t.is((await fetch(`${url}/readyz`)).status, 503);
  const metrics = await fetch(`${url}/prometheus/metrics`);
  t.is(metrics.status, 503);
  t.regex(await metrics.text(), /^# [^\n]+\n$/);
  serve.kill('SIGTERM');
  const { code, stdout, stderr } = await serve.ended;
  t.is(code, 0);
  t.notRegex(stdout + stderr, /hush/);
});

test('a number of shards other than the recorded one ends serve with both numbers and exit code 2', async (t) => {
  await server.redis.set('recorded:shards', '4');
  const args = ['serve', '--port', '0', '--redis', server.url, '--prefix', 'recorded'];
  const { code, stderr } = await runStreamfold(args, { env: { STREAMFOLD_LOG_LEVEL: 'error' } });
  t.is(code, 2);
  t.regex(stderr, /^streamfold: STREAMFOLD_SHARDS \(--shards\): expected 4, [^\n]*; got 1\n$/);
});

test('an address in use ends serve with one line and exit code 2', async (t) => {
  const { code, stderr } = await runStreamfold(
    ['serve', '--redis', server.url, '--port', String(server.port)],
    {
      env: { STREAMFOLD_LOG_LEVEL: 'error' },
    },
  );
  t.is(code, 2);
  t.regex(
    stderr,
    /^streamfold: STREAMFOLD_HOST \(--host\), STREAMFOLD_PORT \(--port\): expected a free address; 127\.0\.0\.1:\d+: it is in use\n$/,
  );
});

test('a closed log pipe does not end serve', async (t) => {
  const serve = startServe(['--port', '0', '--prefix', 'unread', '--log-level', 'debug'], {});
  const url = await serve.waitFor(LISTENING);
  serve.closeOutput();
  await server.redis.xadd(
    'unread:{0}:events',
    '*',
    'type',
    'signal.sent',
    'swarm_id',
    's',
    'sender_id',
    'a',
    'receiver_id',
    'b',
    'signal_type',
    'x',
  );
  await waitUntil('the event to be served', async () => {
    const response = await fetch(`${url}/prometheus/metrics`);
    return (await response.text()).includes('signals_sent_total{swarm_id="s",signal_type="x"} 1');
  });
  serve.kill('SIGTERM');
  t.is((await serve.ended).code, 0);
});
