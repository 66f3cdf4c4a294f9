import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archiveShard, trimStream } from '@streamfold/archive';
import { createDefinitions, swarmShard } from '@streamfold/core';
import { test } from '../harness/ava.ts';
import { fillStream } from '../archive/fill-stream.ts';
import { dayOfEvents } from '../backfill/day-of-events.ts';
import { eventsKey } from '../harness/append-events.ts';
import type { WireEvent } from '../harness/generate-events.ts';
import { runStreamfold, type ProgramRun } from '../harness/run-streamfold.ts';
import { openTestArchive } from '../harness/open-test-archive.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
const directory = await mkdtemp(join(tmpdir(), 'streamfold-backfill-'));
test.after.always(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const BEGIN_SECONDS = 1_700_000_000;

function runBackfill(
  prefix: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramRun> {
  const labels = args.includes('--labels') ? [] : ['--labels', 'none'];
  return runStreamfold(['backfill', '--redis', server.url, '--prefix', prefix, ...labels, ...args], { env });
}

/** Appends events with entry IDs at the given seconds after the beginning. */
async function append(
  prefix: string,
  events: Iterable<readonly [seconds: number, fields: WireEvent]>,
  shard = 0,
): Promise<void> {
  const adding = server.redis.pipeline();
  let number = 0;
  for (const [seconds, fields] of events) {
    const id = `${Math.round((BEGIN_SECONDS + seconds) * 1_000)}-${number++}`;
    adding.xadd(eventsKey({ prefix, shard }), id, ...Object.entries(fields).flat());
  }
  for (const [error] of (await adding.exec()) ?? []) if (error) throw error;
}

function signalSent(swarm_id: string): WireEvent {
  return { type: 'signal.sent', swarm_id, sender_id: 'a', receiver_id: 'b', signal_type: 'x' };
}

/** `<value>@<seconds after the beginning>` of each sample of a series, in their order. */
function samplesOf(text: string, series: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${series} `))
    .map((line) => line.slice(series.length + 1).split(' '))
    .map(([value = '', seconds]) => `${value}@${Number(seconds) - BEGIN_SECONDS}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const SENT_S1 = 'signals_sent_total{swarm_id="s1",signal_type="x"}';
const until = (seconds: number): string[] => ['--until', String(BEGIN_SECONDS + seconds)];

test('a series has a 0 one step before its birth, and a sample at each step from then on', async (t) => {
  const prefix = nextPrefix();
  await append(prefix, [
    [5, signalSent('s2')],
    [35, signalSent('s1')],
    [40, signalSent('s1')],
    [61, signalSent('s1')],
    [100, signalSent('s1')],
  ]);
  const { code, stdout } = await runBackfill(prefix, ['--step', '20', ...until(99)]);
  t.is(code, 0);
  t.deepEqual(samplesOf(stdout, SENT_S1), ['0@20', '2@40', '2@60', '3@80']);
  t.deepEqual(samplesOf(stdout, SENT_S1.replace('s1', 's2')), ['0@0', '1@20', '1@40', '1@60', '1@80']);
});

test('events before the first sample are folded, and their series start with their values', async (t) => {
  const prefix = nextPrefix();
  await append(prefix, [
    [35, signalSent('s1')],
    [61, signalSent('s1')],
  ]);
  const from = ['--from', new Date((BEGIN_SECONDS + 50) * 1_000).toISOString().replace('.000', '')];
  const { stdout } = await runBackfill(prefix, ['--step', '20', ...from, ...until(80)]);
  t.deepEqual(samplesOf(stdout, SENT_S1), ['1@60', '2@80']);
});

test('a gauge that has ended is written as one 0, and can begin again', async (t) => {
  const prefix = nextPrefix();
  const life = { swarm_id: 's1', coordinator_id: 'c1' };
  await append(prefix, [
    [5, { type: 'wait.started', ...life, wait_id: 'w' }],
    [45, { type: 'coordinator.stopped', ...life }],
    [105, { type: 'coordinator.started', ...life }],
  ]);
  const { stdout } = await runBackfill(prefix, ['--step', '20', ...until(120)]);
  const blocked = 'blocking_coordinators_total{swarm_id="s1",phase="unknown",status="blocked"}';
  t.deepEqual(samplesOf(stdout, blocked), ['1@20', '1@40', '0@60']);
  t.deepEqual(samplesOf(stdout, 'blocking_waits{swarm_id="s1"}'), ['1@20', '1@40', '0@60', '0@120']);
  t.deepEqual(samplesOf(stdout, 'blocking_oldest_wait_seconds{swarm_id="s1"}'), [
    '15@20',
    '35@40',
    '0@60',
    '0@120',
  ]);
});

test('only the requested metrics are written', async (t) => {
  const prefix = nextPrefix();
  await append(prefix, [[5, signalSent('s1')]]);
  const { stdout } = await runBackfill(prefix, [
    ...until(60),
    '--metrics',
    'signals_sent_total,blocking_waits',
  ]);
  t.deepEqual(stdout.match(/^# TYPE .*$/gm), ['# TYPE signals_sent counter', '# TYPE blocking_waits gauge']);
  t.true(samplesOf(stdout, SENT_S1).length > 3);
});

test('your own metrics are backfilled: those of the configuration file, or else the live ones', async (t) => {
  const prefix = nextPrefix();
  await append(prefix, [
    [5, signalSent('s1')],
    [25, { ...signalSent('s1'), receiver_id: 'c' }],
  ]);
  const content = {
    metrics: { signals_sent_total: { labels: { drop: ['swarm_id', 'signal_type'] } } },
    custom: [
      {
        type: 'counter',
        name: 'signals_received_total',
        help: 'Signals by receiver.',
        event: 'signal.sent',
        labels: ['receiver_id'],
      },
    ],
  };
  const config = join(directory, 'own.json');
  await writeFile(config, JSON.stringify(content));
  const args = ['--step', '20', ...until(40), '--labels', 'job=x'];
  const configured = await runBackfill(prefix, [...args, '--config', config]);
  t.is(configured.code, 0, configured.stderr);
  t.deepEqual(samplesOf(configured.stdout, 'signals_received_total{job="x",receiver_id="c"}'), [
    '0@20',
    '1@40',
  ]);
  t.deepEqual(samplesOf(configured.stdout, 'signals_sent_total{job="x"}'), ['0@0', '1@20', '2@40']);

  const created = createDefinitions(content);
  if (created.outcome !== 'created') throw new Error(created.problems.join());
  const { definitions } = created;
  const aggregator = await startAggregator({ redisUrl: server.url, prefix, definitions });
  await waitUntil('it to be ready', async () => (await fetch(`${aggregator.url}/readyz`)).ok);
  await aggregator.stop();
  t.is((await runBackfill(prefix, args)).stdout, configured.stdout);
});

test('every series gets the labels of a scraped one', async (t) => {
  const prefix = nextPrefix();
  const finished = { type: 'wait.finished', swarm_id: 's1', coordinator_id: 'c1', status: 'error' };
  await append(prefix, [[5, { ...finished, duration_ms: '1' }]]);
  const { stdout } = await runBackfill(prefix, [...until(30), '--labels', 'job=x,instance=host:3000']);
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  t.true(lines.length > 20);
  t.deepEqual(
    lines.filter((line) => !/^\w+\{job="x",instance="host:3000",\w+="[^{]*\} \S+ \d+$/.test(line)),
    [],
  );
});

test('the shards of a log are added up', async (t) => {
  const events = [...dayOfEvents(BEGIN_SECONDS * 1_000, 9)]
    .slice(0, 200)
    .map(({ atMs, fields }, number): [number, WireEvent] => [
      (atMs - BEGIN_SECONDS * 1_000) / 1_000,
      { ...fields, swarm_id: `s${number % 3}` },
    ]);
  const whole = nextPrefix();
  await append(whole, events);
  const parts = nextPrefix();
  for (const shard of [0, 1]) {
    const own = events.filter(([, { swarm_id = '' }]) => swarmShard(swarm_id, 2) === shard);
    t.true(own.length > 0);
    await append(parts, own, shard);
  }
  const args = ['--step', '300', ...until(86_400)];
  const expected = await runBackfill(whole, args);
  const got = await runBackfill(parts, [...args, '--shards', '2']);
  t.is(got.code, 0, got.stderr);
  t.true(expected.stdout.length > 10_000);
  t.is(got.stdout, expected.stdout);
});

test('a file gets its name only when it is complete, and equals what standard output would be', async (t) => {
  const prefix = nextPrefix();
  await append(prefix, [[5, signalSent('s1')]]);
  const file = join(directory, 'whole.om');
  t.like(await runBackfill(prefix, [...until(60), '--output', file]), { code: 0, stdout: '' });
  const text = await readFile(file, 'utf8');
  t.true(text.endsWith('\n# EOF\n'));
  t.is(text, (await runBackfill(prefix, until(60))).stdout);

  const none = join(directory, 'none.om');
  const failed = await runBackfill(nextPrefix(), ['--output', none]);
  t.is(failed.code, 1);
  t.regex(failed.stderr, /^streamfold: log: expected entries up to \S+; there are none\n$/);
  t.deepEqual([await exists(none), await exists(`${none}.partial`)], [false, false]);
});

test('archived and trimmed entries are backfilled too; if a part is damaged, its range is named and nothing is written', async (t) => {
  const prefix = nextPrefix();
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const events = [...dayOfEvents(BEGIN_SECONDS * 1_000, 10)]
    .slice(0, 200)
    .map(({ atMs, fields }): [number, WireEvent] => [atMs / 1_000 - BEGIN_SECONDS, fields]);
  await append(prefix, events);
  const args = ['--step', '300', ...until(86_400)];
  const expected = await runBackfill(prefix, args);
  t.true(expected.stdout.length > 10_000);

  await fillStream(server.redis, prefix, 0); // the group takes it for folded
  const shard = { prefix, shard: 0 };
  const bounds = { entries: 70, bytes: 1e9 };
  t.is(await archiveShard(server.redis, { ...shard, shards: 1, archive, settleMs: 0, bounds }), 200);
  t.is(await trimStream(server.redis, { ...shard, retentionMs: 0, onlyArchived: true }), 200);
  const got = await runBackfill(prefix, [...args, '--archive', archive.directory]);
  t.is(got.stdout, expected.stdout, got.stderr);
  const without = await runBackfill(prefix, args);
  t.is(without.code, 1);
  t.regex(
    without.stderr,
    /^shard 0: 200 entries are no longer in the stream, and no archive is named \(--archive\); .*\nstreamfold: log: expected entries/,
  );

  const file = join(directory, 'damaged.om');
  const [data = ''] = (await readdir(archive.directory, { recursive: true }))
    .filter((path) => path.endsWith('.gz'))
    .toSorted();
  await writeFile(join(archive.directory, data), 'x');
  const damaged = await runBackfill(prefix, [...args, '--archive', archive.directory, '--output', file]);
  t.is(damaged.code, 1);
  t.regex(damaged.stderr, /streamfold: log of shard 0, entries behind \S+ to \S+: /);
  t.deepEqual([await exists(file), await exists(`${file}.partial`)], [false, false]);
});

test('an entry of 1970 does not cause endless steps: a later start is asked for, and with it every event is counted', async (t) => {
  const prefix = nextPrefix();
  const fields = Object.entries(signalSent('s1')).flat();
  await server.redis.xadd(eventsKey({ prefix }), '1-1', ...fields);
  await append(prefix, [[35, signalSent('s1')]]);
  for (const step of ['15', '300']) {
    const asked = await runBackfill(prefix, ['--step', step]);
    t.like(asked, { code: 2, stdout: '' });
    t.regex(
      asked.stderr,
      /^streamfold: STREAMFOLD_BACKFILL_FROM \(--from\), STREAMFOLD_BACKFILL_UNTIL \(--until\), STREAMFOLD_BACKFILL_STEP \(--step\): expected at most 2,500,000 steps; from 1970-01-01T00:00:00\.000Z, .* choose a later beginning /,
    );
  }
  const given = await runBackfill(prefix, ['--step', '20', '--from', String(BEGIN_SECONDS), ...until(60)]);
  t.is(given.code, 0);
  t.deepEqual(samplesOf(given.stdout, SENT_S1), ['1@0', '1@20', '2@40', '2@60']);
});

test('a backfill up to now leaves out entries with IDs ahead of the clock, and reports them', async (t) => {
  const prefix = nextPrefix();
  const seconds = Math.floor(Date.now() / 1_000);
  await append(prefix, [[seconds - BEGIN_SECONDS - 60, signalSent('s1')]]);
  const fields = Object.entries(signalSent('s1')).flat();
  await server.redis.xadd(eventsKey({ prefix }), '1764000000000000-0', ...fields);
  const { code, stdout, stderr } = await runBackfill(prefix, ['--step', '15']);
  t.is(code, 0);
  t.regex(stderr, /^shard 0: IDs are ahead of the clock of Redis, up to 1764000000000000-0; /);
  t.regex(samplesOf(stdout, SENT_S1).at(-1) ?? '', /^1@/);
});

test('memory grows with the number of series, not with the history', async (t) => {
  const prefix = nextPrefix();
  const adding = server.redis.pipeline();
  for (let entry = 0; entry < 7_000; entry++) {
    const events = Array.from({ length: 16 }, (_, number) => {
      const wait_id = `a-wait-with-a-name-of-its-own-${entry}-${number}`;
      const life = { swarm_id: 's1', coordinator_id: `a-coordinator-of-a-short-life-${entry}-${number}` };
      const waiting = { swarm_id: 's1', coordinator_id: 'lasting', wait_id };
      return [
        { type: 'coordinator.started', ...life },
        { type: 'wait.started', ...waiting },
        { type: 'wait.finished', ...waiting, status: 'completed', duration_ms: '1' },
        { type: 'coordinator.stopped', ...life },
      ];
    }).flat();
    const id = `${(BEGIN_SECONDS + entry) * 1_000}-0`;
    adding.xadd(eventsKey({ prefix }), id, 'events', JSON.stringify(events));
  }
  await adding.exec();
  const limit = { NODE_OPTIONS: '--max-old-space-size=56' };
  const { code, stdout, stderr } = await runBackfill(prefix, ['--step', '60', ...until(8_000)], limit);
  t.is(code, 0, stderr);
  const count = 'blocking_duration_seconds_count{swarm_id="s1",coordinator_id="lasting",status="completed"}';
  t.is(samplesOf(stdout, count).at(-1), '112000@7960');
});

test('invalid flags are refused in one line', async (t) => {
  for (const [args, expected] of [
    [['--labels', 'job'], /--labels\): expected labels such as job=.*, or none; got "job"/],
    [['--step', '0'], /--step\): expected a whole number from 1 to 300; got "0"/],
    [['--from', 'yesterday'], /--from\): expected a time such as 2026-11-24, .*; got "yesterday"/],
    [['--until', '2026-13-01'], /--until\): expected a time such as .*; got "2026-13-01"/],
    [
      ['--from', '200', '--until', '100'],
      /--from, --until: expected the first to be before the second; got \S+ and \S+/,
    ],
    [
      ['--metrics', 'signal_sent_total'],
      /--metrics: expected names of metrics; got "signal_sent_total": did you mean signals_sent_total\?/,
    ],
    [['--output', '/no/such/folder/x'], /--output: expected a file that can be written; got ENOENT: .*/],
  ] as const) {
    const { code, stderr } = await runBackfill(nextPrefix(), args);
    t.is(code, 2, stderr);
    t.regex(stderr, expected);
    t.is(stderr.split('\n').length, 2, stderr);
  }
});
