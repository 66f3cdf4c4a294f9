import { test } from '../harness/ava.ts';
import { ruleFiles } from '@streamfold/mixin';
import { startPrivatePrometheus } from '@streamfold/private-servers';
import { appendFlat, inPieces } from '../harness/append-events.ts';
import { generateEvents, type WireEvent } from '../harness/generate-events.ts';
import { adaptPrometheusConfig } from '../harness/prometheus-config.ts';
import { queryPrometheus } from '../harness/query-prometheus.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { PAGES, readTracked } from '../tidy/tracked-files.ts';

/** A query that a page shows. */
interface Example {
  readonly page: string;
  readonly query: string;
  /** The fence says `may be empty`: the query has no result in a healthy system. */
  readonly mayBeEmpty: boolean;
}

/** The queries of all PromQL fences; blank lines separate those in one fence. */
const EXAMPLES: readonly Example[] = PAGES.flatMap((page) =>
  [...readTracked(page).matchAll(/^([ ]*)```promql *(.*)\n([\s\S]*?)^\1```$/gm)].flatMap(
    ([, , info = '', body = '']) =>
      body
        .split(/\n\s*\n/)
        .filter((query) => query.replace(/^\s*#.*$/gm, '').trim() !== '')
        .map((query) => ({ page, query: query.trim(), mayBeEmpty: info.trim() === 'may be empty' })),
  ),
);

/** Events that `generateEvents` does not generate. */
const RARE_EVENTS: readonly WireEvent[] = [
  {
    type: 'signal.rejected',
    swarm_id: 's1',
    sender_id: 'a',
    receiver_id: 'b',
    signal_type: 'handoff',
    part: 'signal',
    reason: 'bad_signature',
  },
  { type: 'cleanup.removed', swarm_id: 's1', removed_id: 'c1' },
  { type: 'cleanup.refused', swarm_id: 's1', refused_id: 'c2', reason: 'in_the_future' },
];

const ALL_ANSWERED_MS = 90_000;

test('Prometheus accepts every PromQL example of the docs, and returns a result unless the example says that there may be none', async (t) => {
  t.true(EXAMPLES.length > 40);
  const server = await startRedis();
  t.teardown(() => server.stop());
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(() => aggregator.stop());
  const targets = [new URL(aggregator.url).host];
  const prometheus = await startPrivatePrometheus(
    // Values are shown at once: the birth of series is not tested here.
    await adaptPrometheusConfig(['prometheus.yml'], {
      targets: { 'blocking-coordination': targets, streamfold: targets },
      intervalMs: 500,
      zeroFirst: false,
    }),
    { files: ruleFiles() },
  );
  t.teardown(() => prometheus.stop());

  const pieces = [...inPieces(generateEvents(20_000, { seed: 11, bad: true }), 40)];
  let looks = 0;
  const refusals = new Set<string>();
  let unanswered = EXAMPLES;
  await waitUntil(
    'a result of each example',
    async () => {
      const next = pieces[looks++ % pieces.length] ?? [];
      await appendFlat(server.redis, { prefix: 'streamfold' }, [...next, ...RARE_EVENTS]);
      const left: Example[] = [];
      for (const example of unanswered) {
        if (!(await isAnswered(example, prometheus.url, (why) => refusals.add(why)))) left.push(example);
      }
      unanswered = left;
      return unanswered.length === 0;
    },
    ALL_ANSWERED_MS,
  ).catch(() => undefined); // queries without a result are named below
  t.deepEqual([...refusals], []);
  t.deepEqual(unanswered, []);
});

/** True if there is nothing more to wait for; an error of Prometheus is reported with the page. */
async function isAnswered(
  { page, query, mayBeEmpty }: Example,
  url: string,
  refuse: (why: string) => void,
): Promise<boolean> {
  try {
    const samples = await queryPrometheus(url, query);
    return mayBeEmpty || samples.some(({ value }) => !Number.isNaN(value));
  } catch (error) {
    refuse(`${page}: ${error instanceof Error ? error.message : String(error)}`);
    return true;
  }
}
