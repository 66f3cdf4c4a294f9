import { stringify } from 'yaml';

/**
 * The configuration of a Prometheus that scrapes the swarm's metrics from one address and each process's own from all,
 * with the jobs of infra/prometheus/prometheus.yml, every so often. A series that is new is shown as 0 at first, for
 * two scrapes.
 */
export function scrapeConfig({
  swarmUrl,
  processUrls,
  everySeconds = 1,
}: {
  swarmUrl: string;
  processUrls: readonly string[];
  everySeconds?: number;
}): string {
  const every = `${everySeconds}s`;
  return stringify({
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    scrape_configs: [
      {
        job_name: 'blocking-coordination',
        metrics_path: '/prometheus/metrics',
        params: { zero_first_seconds: [String(2 * everySeconds)] },
        static_configs: targetsAt([swarmUrl]),
      },
      { job_name: 'streamfold', static_configs: targetsAt(processUrls) },
    ],
  });
}

function targetsAt(urls: readonly string[]): unknown {
  return [{ targets: urls.map((url) => new URL(url).host) }];
}
