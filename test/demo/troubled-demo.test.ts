import { test } from '../harness/ava.ts';
import { CATALOGUE } from '@streamfold/core';
import { startPrivatePrometheus } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { appendFlat } from '../harness/append-events.ts';
import { once } from '../harness/once.ts';
import { adaptPrometheusConfig } from '../harness/prometheus-config.ts';
import { queryPrometheus } from '../harness/query-prometheus.ts';
import { queryLast } from '../harness/query-range.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { parseSamples, scrape } from '../harness/scrape.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { interpolateQuery } from '../mixin/interpolate-query.ts';
import { DASHBOARDS, listTargets, type DashboardJson, type TargetJson } from '../mixin/read-dashboards.ts';
import { isGone, METRICS, readEnd, REDIS } from './read-demo.ts';

/** Events that a demo never has: no signature is bad, nothing is cleaned up, and every event can be folded. */
const NOT_IN_A_DEMO = [
  {
    type: 'signal.rejected',
    swarm_id: 'swarm-build',
    sender_id: 'build-9',
    receiver_id: 'build-1',
    signal_type: 'handoff',
    part: 'signal',
    reason: 'bad_signature',
  },
  { type: 'cleanup.removed', swarm_id: 'swarm-build', removed_id: 'build-9' },
  { type: 'cleanup.refused', swarm_id: 'swarm-build', refused_id: 'build-9', reason: 'too_old' },
  { type: 'no.such.type', swarm_id: 'swarm-build' },
];

/** Metrics of such events. */
const METRICS_NOT_IN_A_DEMO: ReadonlySet<string> = new Set([
  'signals_rejected_total',
  'coordinators_cleaned_up_total',
  'cleanup_refusals_total',
]);

/** The interval that Grafana computes for a scrape each second: four scrapes. */
const DURATIONS = { rateInterval: '4s', range: '30s' };
const SHOWN_SECONDS = 30;
/** A death in the demo is reported after some seconds; a busy machine takes longer. */
const ALL_SHOWN_MS = 110_000;

/** Whether a query, sent as Grafana sends it, returns a number and the labels that its legend shows. */
async function givesData(url: string, target: TargetJson, dashboard: DashboardJson): Promise<boolean> {
  const query = interpolateQuery(target.expr, dashboard, { durations: DURATIONS });
  const labels = [...target.legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
  const found = target.instant
    ? (await queryPrometheus(url, query)).map(({ metric, value }) => ({ metric, numbers: [value] }))
    : (await queryLast(url, query, SHOWN_SECONDS)).map(({ metric, values }) => ({
        metric,
        numbers: values.map(([, value]) => value),
      }));
  return found.some(
    ({ metric, numbers }) =>
      numbers.some(Number.isFinite) && labels.every((label) => (metric[label] ?? '') !== ''),
  );
}

/** The values that a variable offers: `label_values(selector, label)`. */
async function listValues(url: string, query: string, dashboard: DashboardJson): Promise<readonly string[]> {
  const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
  const parameters = { 'match[]': interpolateQuery(selector, dashboard, { durations: DURATIONS }) };
  const response = await fetch(
    `${url}/api/v1/label/${label}/values?${new URLSearchParams(parameters).toString()}`,
  );
  return ((await response.json()) as { data: string[] }).data;
}

/** One demo for both tests, which the second one ends. */
const troubled = once(() =>
  Promise.resolve(startStreamfold(['demo', '--port', '0', '--scenario', 'trouble'])),
);
test.after.always(async () => (await troubled()).kill('SIGKILL'));

test('with a Prometheus that scrapes the demo every query of every panel returns data, and every variable has values', async (t) => {
  t.timeout(3 * 60_000);
  const demo = await troubled();
  const swarmUrl = await demo.waitFor(METRICS);
  const processUrls = (await demo.waitFor(/each process's own +(.+)/)).trim().split(/\s+/);
  const redis = new Redis(await demo.waitFor(REDIS));
  t.teardown(() => redis.disconnect());
  const prometheus = await startPrivatePrometheus(
    await adaptPrometheusConfig(['prometheus.yml'], {
      targets: {
        'blocking-coordination': [new URL(swarmUrl).host],
        streamfold: processUrls.map((url) => new URL(url).host),
      },
      intervalMs: 1_000,
    }),
  );
  t.teardown(() => prometheus.stop());
  await appendFlat(redis, { prefix: 'streamfold' }, NOT_IN_A_DEMO);

  let missing = listTargets();
  t.true(missing.length > 60);
  await waitUntil(
    'every query to give data',
    async () => {
      const still: typeof missing = [];
      for (const each of missing)
        if (!(await givesData(prometheus.url, each.target, each.dashboard))) still.push(each);
      missing = still;
      return missing.length === 0;
    },
    ALL_SHOWN_MS,
  ).catch(() => undefined); // the comparison then shows which
  t.deepEqual(
    missing.map(({ where }) => where),
    [],
  );

  for (const dashboard of DASHBOARDS.values()) {
    for (const { name, query, type } of dashboard.templating.list) {
      if (type !== 'query') continue;
      const values = await listValues(prometheus.url, query, dashboard);
      t.true(values.length > 0, `${dashboard.uid}: ${name}`);
    }
  }
});

test('the printed address serves all metrics of the swarms, with values for everything that happens in a demo with trouble, and both aggregators serve the same', async (t) => {
  const demo = await troubled();
  const url = await demo.waitFor(METRICS);
  const own = /own +(\S+)\/metrics +(\S+)\/metrics/.exec(demo.output()) ?? [];
  t.is(`${own[1]}/prometheus/metrics`, url);
  const happening = CATALOGUE.filter(({ name }) => !METRICS_NOT_IN_A_DEMO.has(name));
  await waitUntil(
    'a value of each metric',
    async () => {
      const samples = [...(await scrape(own[2] ?? '')).keys()];
      return happening.every(({ name }) => samples.some((sample) => sample.startsWith(name)));
    },
    ALL_SHOWN_MS,
  );
  const text = await (await fetch(url)).text();
  for (const { name, type } of CATALOGUE) {
    const value = METRICS_NOT_IN_A_DEMO.has(name) ? '' : name;
    t.regex(text, new RegExp(`^# HELP ${name} .+\\n# TYPE ${name} ${type}\\n${value}`, 'm'));
  }
  t.true([...parseSamples(text).values()].every((value) => Number(value) >= 0));

  const redisUrl = await demo.waitFor(REDIS);
  const event = ['signal.sent', 'swarm_id=mine', 'sender_id=a', 'receiver_id=b', 'signal_type=x'];
  t.is((await runStreamfold(['publish', ...event, '--redis', redisUrl])).code, 0);
  await waitUntil('the event to be served', async () =>
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
