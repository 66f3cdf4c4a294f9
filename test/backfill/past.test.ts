import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPrivatePrometheus } from '@streamfold/private-servers';
import { test } from '../harness/ava.ts';
import { queryPrometheus, queryValue } from '../harness/query-prometheus.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { runPromtool } from '../harness/run-promtool.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { parseSamples } from '../harness/scrape.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { dayOfEvents, type TimedEvent } from './day-of-events.ts';
import { quantileOf, rateOf, type Counter } from './past-values.ts';

const STEP_SECONDS = 60;
const HOUR_SECONDS = 3_600;
/** A day within the retention of Prometheus that is already over. */
const BEGIN_SECONDS = Math.floor(Date.now() / 1_000 / HOUR_SECONDS) * HOUR_SECONDS - 30 * HOUR_SECONDS;
const DAY_SECONDS = 24 * HOUR_SECONDS;
const BOUNDS = [1, 5, 10, 30, 60, 120, 300, 600, 1800];

const events = [...dayOfEvents(BEGIN_SECONDS * 1_000 + 1, 4)];

/** The number of events of a kind up to a time. */
function countOf(isCounted: (fields: TimedEvent['fields']) => boolean): Counter {
  return (untilMs) => events.filter(({ atMs, fields }) => atMs <= untilMs && isCounted(fields)).length;
}

/** The day as blocks in a real Prometheus. */
const server = await shareRedis();
const directory = await mkdtemp(join(tmpdir(), 'streamfold-backfill-'));
const adding = server.redis.pipeline();
for (const [number, { atMs, fields }] of events.entries()) {
  adding.xadd('streamfold:{0}:events', `${atMs}-${number}`, ...Object.entries(fields).flat());
}
await adding.exec();
const file = join(directory, 'past.om');
const until = String(BEGIN_SECONDS + DAY_SECONDS);
const args = ['backfill', '--redis', server.url, '--step', String(STEP_SECONDS), '--until', until];
const written = await runStreamfold([...args, '--output', file]);
const created = await runPromtool([
  'tsdb',
  'create-blocks-from',
  'openmetrics',
  '--quiet',
  file,
  join(directory, 'data'),
]);
const prometheus = await startPrivatePrometheus('global: {}', { dataDirectory: join(directory, 'data') });
test.after.always(async () => {
  await prometheus.stop();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Times a little more than two hours apart, each in the middle between two samples. */
const TIMES = Array.from(
  { length: 10 },
  (_, number) => BEGIN_SECONDS + (number + 1) * 137 * STEP_SECONDS + STEP_SECONDS / 2,
);

function isNear(got: number | undefined, expected: number): boolean {
  return got !== undefined && Math.abs(got - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
}

test('promtool makes blocks from the output of a backfill', (t) => {
  t.is(written.code, 0, written.stderr);
  t.regex(written.stderr, /^backfill: 1,44\d steps, [\d,]+ samples of [\d,]+ entries, in \d+\.\d s\n$/m);
  t.deepEqual(created, { code: 0, lines: [] });
});

test('backfilled samples have the job that rules and dashboards select', async (t) => {
  const atSeconds = BEGIN_SECONDS + DAY_SECONDS;
  const all = await queryValue(prometheus.url, 'count({__name__=~".+"})', atSeconds);
  t.true(all !== undefined && all > 50);
  t.is(await queryValue(prometheus.url, 'count({job="blocking-coordination"})', atSeconds), all);
});

test('each backfilled sample is the sum of the events up to its time', async (t) => {
  for (const middle of TIMES) {
    const atSeconds = middle - STEP_SECONDS / 2;
    const past = events.filter(({ atMs }) => atMs <= atSeconds * 1_000);
    const expected = foldReference(past);
    const text = (
      await queryPrometheus(
        prometheus.url,
        '{__name__=~".+",__name__!="blocking_oldest_wait_seconds"}',
        atSeconds,
      )
    )
      .map(({ metric, value }) => showSample(metric, value))
      .join('\n');
    const got = parseSamples(text);
    for (const [name, value] of expected) t.is(Number(got.get(sortLabels(name))), Number(value), name);
    const names = new Set([...expected.keys()].map(sortLabels));
    // The gauges of an ended coordinator are 0 for a few minutes.
    t.deepEqual(
      [...got].filter(([name, value]) => !names.has(name) && value !== '0'),
      [],
    );
    t.true(expected.size > 20);
  }
});

/** A sample in a form that does not depend on the order of labels or on how a bound is written. */
function showSample(
  { __name__: name = '', job: _job, ...labels }: Readonly<Record<string, string>>,
  value: number,
): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  return `${sortLabels(`${name}{${pairs.join(',')}}`)} ${value}`;
}

function sortLabels(sample: string): string {
  const [name = '', labels = ''] = sample.slice(0, -1).split('{');
  const bounds = labels.replace(/(le="\d+)\.0"/, '$1"');
  return `${name}{${bounds.split(',').toSorted().join(',')}}`;
}

test('rate() over backfilled samples is the rate of the events', async (t) => {
  for (const [query, isCounted] of [
    ['signals_sent_total', ({ type }) => type === 'signal.sent'],
    ['timeout_events_total{coordinator_id="c1",timeout_type="blocking"}', isBlockingTimeoutOfC1],
  ] as const satisfies [string, (fields: TimedEvent['fields']) => boolean][]) {
    for (const [atSeconds, lengthSeconds] of TIMES.flatMap((time) => [
      [time, HOUR_SECONDS] as const,
      [time, 10 * STEP_SECONDS] as const,
    ])) {
      const expected = rateOf(countOf(isCounted), { atSeconds, lengthSeconds, stepSeconds: STEP_SECONDS });
      const got = await queryValue(prometheus.url, `rate(${query}[${lengthSeconds}s])`, atSeconds);
      t.true(isNear(got ?? 0, expected), `${query} at ${atSeconds}: ${got}, ${expected}`);
    }
  }
});

function isBlockingTimeoutOfC1(fields: TimedEvent['fields']): boolean {
  return (
    fields['type'] === 'timeout' && fields['timeout_type'] === 'blocking' && fields['coordinator_id'] === 'c1'
  );
}

test('histogram_quantile() over backfilled samples is the quantile of the durations, within the bounds of its bucket', async (t) => {
  for (const atSeconds of TIMES) {
    const range = { atSeconds, lengthSeconds: 2 * HOUR_SECONDS, stepSeconds: STEP_SECONDS };
    const cumulative = [...BOUNDS, Infinity].map((bound) => {
      let sum = 0;
      for (const coordinator of ['c1', 'c2', 'c3']) {
        const isOfSeries = (fields: TimedEvent['fields']): boolean =>
          fields['type'] === 'wait.finished' &&
          fields['status'] === 'completed' &&
          fields['coordinator_id'] === coordinator;
        const isWithin = (fields: TimedEvent['fields']): boolean =>
          isOfSeries(fields) && Number(fields['duration_ms']) <= bound * 1_000;
        sum += rateOf(countOf(isWithin), range, countOf(isOfSeries));
      }
      return sum;
    });
    for (const q of [0.5, 0.95]) {
      const query = `histogram_quantile(${q}, sum by (le) (rate(blocking_duration_seconds_bucket{status="completed"}[2h])))`;
      const got = await queryValue(prometheus.url, query, atSeconds);
      const expected = quantileOf(q, BOUNDS, cumulative);
      t.true(expected !== undefined && isNear(got, expected), `${q} at ${atSeconds}: ${got}, ${expected}`);
    }
  }
});

test('the first event of a series counts, and the age of the oldest wait is its age at the time of the sample', async (t) => {
  const [first] = events.filter(({ fields }) => isBlockingTimeoutOfC1(fields));
  const bornSeconds = Math.ceil((first?.atMs ?? 0) / 1_000 / STEP_SECONDS) * STEP_SECONDS;
  const series = 'timeout_events_total{coordinator_id="c1",timeout_type="blocking"}';
  t.is(await queryValue(prometheus.url, series, bornSeconds - STEP_SECONDS), 0);
  t.is(await queryValue(prometheus.url, series, bornSeconds), 1);
  t.is(await queryValue(prometheus.url, series, bornSeconds - STEP_SECONDS - 1), undefined);

  const [wait] = events.filter(({ fields }) => fields['type'] === 'wait.started');
  const atSeconds = Math.ceil((wait?.atMs ?? 0) / 1_000 / STEP_SECONDS) * STEP_SECONDS;
  const age = await queryValue(prometheus.url, 'blocking_oldest_wait_seconds', atSeconds);
  t.true(isNear(age, (atSeconds * 1_000 - (wait?.atMs ?? 0)) / 1_000), String(age));
});
