import { test } from '../harness/ava.ts';
import { PROCESS_JOB, SWARM_JOB } from '@streamfold/mixin';
import { parse } from 'yaml';
import { z } from 'zod';
import { readTracked } from '../tidy/tracked-files.ts';

const seconds = z
  .string()
  .regex(/^\d+s$/)
  .transform((text) => Number(text.slice(0, -1)));

const { global, scrape_configs: jobs } = z
  .object({
    global: z.object({
      scrape_interval: seconds,
      scrape_timeout: seconds,
      external_labels: z.record(z.string(), z.string()),
    }),
    scrape_configs: z.array(
      z.object({
        job_name: z.string(),
        metrics_path: z.string(),
        params: z.record(z.string(), z.array(z.string())).default({}),
        static_configs: z.array(z.object({ targets: z.array(z.string()) })),
      }),
    ),
  })
  .parse(parse(readTracked('infra/prometheus/prometheus.yml')));

test('Prometheus scrapes the jobs that the rules and dashboards use, and the swarm job through one target', (t) => {
  t.deepEqual(
    jobs.map(({ job_name, metrics_path }) => [job_name, metrics_path]),
    [
      [SWARM_JOB, '/prometheus/metrics'],
      [PROCESS_JOB, '/metrics'],
    ],
  );
  t.is(jobs[0]?.static_configs.flatMap(({ targets }) => targets).length, 1);
  t.deepEqual(Object.keys(global.external_labels), ['monitor', 'environment']);
});

test('new series are shown as 0 for longer than the scrape interval of Prometheus', (t) => {
  const [shown = ''] = jobs[0]?.params['zero_first_seconds'] ?? [];
  t.true(global.scrape_timeout < global.scrape_interval);
  t.true(Number(shown) > global.scrape_interval, shown);
  t.true(Number(shown) < 2 * global.scrape_interval, 'shown for less than two scrapes');
});
