import { existsSync } from 'node:fs';
import { test } from '../harness/ava.ts';
import { CATALOGUE } from '@streamfold/core';
import { readPublished } from '../harness/read-published.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { parseSamples, scrape } from '../harness/scrape.ts';
import { startRedis } from '../harness/start-redis.ts';
import { startStreamfold, type RunningStreamfold } from '../harness/start-streamfold.ts';
import { waitUntil } from '../harness/wait-until.ts';

const CAST_SIZE = 10;
const METRICS = /metrics of the swarms +(\S+)/;
const REDIS = /Redis +(redis:\S+)/;

/** Events that a demo never has: no signature is bad, and nothing is old enough to be cleaned up. */
const NOT_IN_A_DEMO: ReadonlySet<string> = new Set([
  'signals_rejected_total',
  'coordinators_cleaned_up_total',
  'cleanup_refusals_total',
]);
/** Deaths take a while to be reported. */
const ALL_HAPPENED_MS = 90_000;

/** The last two numbers of a demo that has ended; NaN if it does not print them. */
function readEnd(stdout: string): { folded: number; lag: number } {
  const [, folded = 'none', lag = 'none'] =
    /^stopped: ([\d,]+) events folded, lag (\d+)$/m.exec(stdout) ?? [];
  return { folded: toNumber(folded), lag: toNumber(lag) };
}

/** Reads a number with thousands separators. */
function toNumber(text: string): number {
  return Number(text.replaceAll(',', ''));
}

async function isGone(url: string): Promise<boolean> {
  return fetch(url).then(
    () => false,
    () => true,
  );
}

test('demo --seconds exits with code 0, everything folded, and plausible numbers', async (t) => {
  const { code, stdout, stderr } = await runStreamfold(['demo', '--port', '0', '--seconds', '8']);
  t.deepEqual([code, stderr], [0, '']);
  const { folded, lag } = readEnd(stdout);
  t.true(folded > 20 && folded < 5_000, stdout);
  t.is(lag, 0);
  const shown = [
    ...stdout.matchAll(
      /^\d\d:\d\d \| ([\d,]+) events folded, ([\d.]+)\/s \| lag \d+ \| (\d+) active, (\d+) blocked, (\d+) stale \| P95/gm,
    ),
  ];
  t.true(shown.length >= 2, stdout);
  const alive = shown.map(([, , , ...statuses]) => statuses.map(Number).reduce((sum, one) => sum + one, 0));
  t.true(alive.some((count) => count > 0) && alive.every((count) => count <= CAST_SIZE), stdout);
  t.false(stdout.includes('\u001b'), 'no control sequences where the output is no terminal');
});

test('the printed address serves all metrics of the swarms, with values for everything that happens in a demo with trouble, and both aggregators serve the same', async (t) => {
  const demo = startStreamfold(['demo', '--port', '0', '--scenario', 'trouble']);
  t.teardown(() => demo.kill('SIGKILL'));
  const url = await demo.waitFor(METRICS);
  const own = /own +(\S+)\/metrics +(\S+)\/metrics/.exec(demo.output()) ?? [];
  t.is(`${own[1]}/prometheus/metrics`, url);
  const happening = CATALOGUE.filter(({ name }) => !NOT_IN_A_DEMO.has(name));
  await waitUntil(
    'a value of each metric',
    async () => {
      const samples = [...(await scrape(own[2] ?? '')).keys()];
      return happening.every(({ name }) => samples.some((sample) => sample.startsWith(name)));
    },
    ALL_HAPPENED_MS,
  );
  const text = await (await fetch(url)).text();
  for (const { name, type } of CATALOGUE) {
    const value = NOT_IN_A_DEMO.has(name) ? '' : name;
    t.regex(text, new RegExp(`^# HELP ${name} .+\\n# TYPE ${name} ${type}\\n${value}`, 'm'));
  }
  t.true([...parseSamples(text).values()].every((value) => Number(value) >= 0));

  const redisUrl = await demo.waitFor(REDIS);
  const event = ['signal.sent', 'swarm_id=mine', 'sender_id=a', 'receiver_id=b', 'signal_type=x'];
  t.is((await runStreamfold(['publish', ...event, '--redis', redisUrl])).code, 0);
  await waitUntil('my event to be served', async () =>
    (await (await fetch(url)).text()).includes('signals_sent_total{swarm_id="mine",signal_type="x"} 1\n'),
  );
  t.is((await runStreamfold(['verify', '--redis', redisUrl])).code, 0);

  demo.kill('SIGINT');
  const { code, stdout, stderr } = await demo.ended;
  t.deepEqual([code, stderr], [0, '']);
  t.is(readEnd(stdout).lag, 0, stdout);
  t.true((await isGone(url)) && (await isGone(`${own[2]}/livez`)));
  t.is((await runStreamfold(['status', '--redis', redisUrl])).code, 1);
});

test('a demo on a Redis that the user named leaves it running, and gives each aggregator its own settings', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const { code, stdout } = await runStreamfold(
    ['demo', '--port', '0', '--seconds', '4', '--redis', server.url],
    {
      env: {
        STREAMFOLD_PREFIX: 'd',
        STREAMFOLD_SHARDS: '2',
        STREAMFOLD_CONSUMER: 'one',
        STREAMFOLD_ROLE: 'fold',
      },
    },
  );
  t.is(code, 0, stdout);
  const shards = [0, 1].map((shard) => readPublished(server.redis, { prefix: 'd', shard }));
  const { folded, lag } = readEnd(stdout);
  t.is(folded, (await Promise.all(shards)).flat().length);
  t.true(folded > 0 && lag === 0, stdout);
  t.is(await server.redis.get('d:shards'), '2');
  t.regex(stdout, /publish --redis redis:\S+ --prefix d --shards 2 /);
});

test('a requested port that is in use is refused in one line', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const run = await runStreamfold(['demo', '--port', String(server.port), '--redis', server.url]);
  t.like(run, { code: 2, stdout: '' });
  t.is(
    run.stderr,
    `streamfold: STREAMFOLD_PORT (--port): expected a free port of 127.0.0.1; ${server.port} is in use\n`,
  );
});

test('a reader that closes the output ends the demo and everything it started', async (t) => {
  const demo = startStreamfold(['demo', '--port', '0']);
  const url = await demo.waitFor(METRICS);
  demo.closeOutput();
  t.like(await demo.ended, { code: 0, stderr: '' });
  t.true(await isGone(url));
});

/** Runs it in a terminal, if the `script` of util-linux is installed. */
function startInTerminal(command: string): RunningStreamfold {
  return startStreamfold(['-qec', command, '/dev/null'], { command: ['script'] });
}

if (process.platform === 'linux' && existsSync('/usr/bin/script')) {
  test('in a terminal the summary is redrawn in place, and Ctrl-C ends the demo with exit code 0', async (t) => {
    const { PROGRAM } = await import('../harness/run-streamfold.ts');
    const demo = startInTerminal(`exec '${process.execPath}' '${PROGRAM}' demo --port 0`);
    t.teardown(() => demo.kill('SIGKILL'));
    const url = await demo.waitFor(METRICS);
    await demo.waitFor(/\[6A.\[J {2}running for/);
    demo.write('\u0003');
    const { code, stdout } = await demo.ended;
    t.is(code, 0, stdout);
    t.is(readEnd(stdout.replaceAll('\r', '')).lag, 0);
    t.true(await isGone(url));
  });
}
