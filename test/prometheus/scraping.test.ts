import { isDeepStrictEqual } from 'node:util';
import { test } from '../harness/ava.ts';
import { startPrivatePrometheus } from '@streamfold/private-servers';
import { generateEvents } from '../harness/generate-events.ts';
import { adaptPrometheusConfig } from '../harness/prometheus-config.ts';
import { queryPrometheus, queryValue } from '../harness/query-prometheus.ts';
import { readPublished } from '../harness/read-published.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startRecordingProxy } from '../harness/start-recording-proxy.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

/** A series and its value in a form that does not depend on the order of labels or on how a number is written. */
function canonical(labels: Readonly<Record<string, string>>, value: number): [string, number] {
  const pairs = Object.entries(labels)
    .filter(([name]) => name !== 'job' && name !== 'instance')
    .map(([name, text]) => [name, name === 'le' && text !== '+Inf' ? String(Number(text)) : text]);
  return [JSON.stringify(pairs.toSorted(([left = ''], [right = '']) => (left < right ? -1 : 1))), value];
}

function canonicalSample([sample, value]: readonly [string, string]): [string, number] {
  const [, name = '', labels = ''] = /^([a-z_]+)\{(.*)\}$/.exec(sample) ?? [];
  const pairs = [...labels.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, label = '', text = '']) => [
    label,
    text,
  ]);
  return canonical(
    { __name__: name, ...(Object.fromEntries(pairs) as Record<string, string>) },
    Number(value),
  );
}

function sorted(samples: ReadonlyMap<string, number>): [string, number][] {
  return [...samples].toSorted(([left], [right]) => (left < right ? -1 : 1));
}

/** Metrics that Prometheus adds for each target, and metrics that change with the clock. */
const NOT_COMPARED = /^(up$|scrape_|blocking_oldest_wait_seconds$)/;

for (const format of ['openmetrics', 'text'] as const) {
  test(`Prometheus reads the totals of the stream from two aggregators, in the format ${format}`, async (t) => {
    const server = await startRedis();
    t.teardown(() => server.stop());
    const aggregators = [
      await startAggregator({ redisUrl: server.url, batchEntries: 50 }),
      await startAggregator({ redisUrl: server.url, batchEntries: 50 }),
    ];
    t.teardown(async () => void (await Promise.all(aggregators.map((aggregator) => aggregator.stop()))));
    const [first] = aggregators;
    // OpenMetrics is preferred, as in the Accept header of Prometheus; older versions and other scrapers know only the text format.
    const swarm = await startRecordingProxy(first?.url ?? '', (header) =>
      format === 'text' ? 'text/plain' : header,
    );
    t.teardown(() => swarm.stop());
    const prometheus = await startPrivatePrometheus(
      await adaptPrometheusConfig(['prometheus.yml'], {
        targets: {
          'blocking-coordination': [swarm.target],
          streamfold: aggregators.map(({ url }) => new URL(url).host),
        },
        intervalMs: 1_000,
        zeroFirst: false,
      }),
    );
    t.teardown(() => prometheus.stop());
    // A scrape may fail on a busy machine, and its values are then missing until the next one.
    const comesTo = (query: string, wanted: number): Promise<void> =>
      waitUntil(`${query} to be ${wanted}`, async () => (await queryValue(prometheus.url, query)) === wanted);

    const adding = server.redis.pipeline();
    for (const event of generateEvents(2_000, { seed: 11, bad: true })) {
      adding.xadd('streamfold:{0}:events', '*', ...Object.entries(event).flat());
    }
    await adding.exec();
    const published = await readPublished(server.redis);
    const expected = new Map(
      [...foldReference(published.map((fields) => ({ fields })))].map(canonicalSample),
    );

    const read = async (): Promise<Map<string, number>> => {
      const samples = await queryPrometheus(prometheus.url, '{job="blocking-coordination"}');
      const ours = samples.filter(({ metric }) => !NOT_COMPARED.test(metric['__name__'] ?? ''));
      return new Map(ours.map(({ metric, value: number }) => canonical(metric, number)));
    };
    let scraped: [string, number][] = [];
    let scrapes = 0;
    await waitUntil('all events to be scraped', async () => {
      if (swarm.exchanges.length === scrapes) return false;
      scrapes = swarm.exchanges.length;
      scraped = sorted(await read());
      return isDeepStrictEqual(scraped, sorted(expected));
    }).catch(() => undefined); // the comparison then shows the difference
    t.deepEqual(scraped, sorted(expected));

    await comesTo('count(up{job="blocking-coordination"} == 1)', 1);
    await comesTo('count(up{job="streamfold"} == 1)', 2);
    const sent = published.filter(
      (event) => event['type'] === 'signal.sent' && event['v'] === undefined && 'signal_type' in event,
    );
    await comesTo('sum(signals_sent_total)', sent.length);
    t.deepEqual(
      await queryPrometheus(
        prometheus.url,
        '{job="streamfold",__name__=~"signal.*|blocking.*|.*_events_total"}',
      ),
      [],
    );
    await comesTo('sum(streamfold_entries_folded_total)', published.length);
    await comesTo('sum(streamfold_dead_letters_total)', await server.redis.xlen('streamfold:{0}:dead'));

    const [exchange] = swarm.exchanges;
    t.is(exchange?.path, '/prometheus/metrics');
    t.regex(exchange?.accept ?? '', /^application\/openmetrics-text/);
    t.true(
      swarm.exchanges
        .filter(({ status }) => status === 200)
        .every(({ contentType }) =>
          contentType.includes(
            format === 'text' ? 'text/plain; version=0.0.4' : 'application/openmetrics-text',
          ),
        ),
    );
  });
}
