import { join } from 'node:path';
import test from 'ava';
import { startPrivatePrometheus } from '@streamfold/private-servers';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { appendFlat, inPieces } from '../harness/append-events.ts';
import { generateEvents, type WireEvent } from '../harness/generate-events.ts';
import { queryPrometheus } from '../harness/query-prometheus.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { filesMatching, PAGES, readTracked, ROOT } from '../tidy/tracked-files.ts';

/** A query that a page shows. */
interface Example {
  readonly page: string;
  readonly query: string;
  /** The fence says `may be empty`: in a healthy system it has no result. */
  readonly mayBeEmpty: boolean;
}

/** The queries of all fences of PromQL; in one of them they stand apart by a blank line. */
const EXAMPLES: readonly Example[] = PAGES.flatMap((page) =>
  [...readTracked(page).matchAll(/^([ ]*)```promql *(.*)\n([\s\S]*?)^\1```$/gm)].flatMap(
    ([, , info = '', body = '']) =>
      body
        .split(/\n\s*\n/)
        .filter((query) => query.replace(/^\s*#.*$/gm, '').trim() !== '')
        .map((query) => ({ page, query: query.trim(), mayBeEmpty: info.trim() === 'may be empty' })),
  ),
);

/** What `generateEvents` leaves out. */
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

const INTERVAL = '500ms';
const ALL_ANSWERED_MS = 90_000;

const Delivered = z.looseObject({
  global: z.looseObject({}),
  scrape_configs: z.array(z.looseObject({ job_name: z.string() })),
});

/**
 * The delivered configuration and rules, on one aggregator and with short intervals. The series are shown with their true
 * values at once: how a series is born is not what is asked here.
 */
function configure(target: string): string {
  const { global, scrape_configs } = Delivered.parse(parse(readTracked('infra/prometheus/prometheus.yml')));
  return stringify({
    global: { ...global, scrape_interval: INTERVAL, scrape_timeout: INTERVAL, evaluation_interval: INTERVAL },
    rule_files: filesMatching(/^alerts\/.*\.yml$/).map((path) => join(ROOT, path)),
    scrape_configs: scrape_configs.map(({ job_name, metrics_path }) => ({
      job_name,
      metrics_path,
      static_configs: [{ targets: [target] }],
    })),
  });
}

test('every PromQL example of the docs is one that Prometheus takes, and has a result unless it says that it may have none', async (t) => {
  t.true(EXAMPLES.length > 40);
  const server = await startRedis();
  t.teardown(() => server.stop());
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(() => aggregator.stop());
  const prometheus = await startPrivatePrometheus(configure(new URL(aggregator.url).host));
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
  ).catch(() => undefined); // what has no answer is named below
  t.deepEqual([...refusals], []);
  t.deepEqual(unanswered, []);
});

/** True where there is nothing more to wait for; what Prometheus refuses is told, with the page. */
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
