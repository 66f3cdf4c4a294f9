import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from '../harness/ava.ts';
import { parse } from 'yaml';
import { z } from 'zod';
import { runPromtool } from '../harness/run-promtool.ts';
import { readTracked, ROOT } from '../tidy/tracked-files.ts';

const Config = z.looseObject({
  scrape_configs: z.array(z.looseObject({ job_name: z.string() })),
  alerting: z.looseObject({ alertmanagers: z.array(z.looseObject({})) }).optional(),
});

/** A job, or a group of Alertmanagers, without its addresses. */
function withoutPlaces(job: Readonly<Record<string, unknown>>): unknown {
  return { ...job, static_configs: undefined, dns_sd_configs: undefined };
}

/** A configuration without addresses and paths. */
function readWithoutPlaces(file: string): unknown {
  const { scrape_configs, alerting, ...rest } = Config.parse(parse(readTracked(file)));
  return {
    ...rest,
    alerting: alerting && { ...alerting, alertmanagers: alerting.alertmanagers.map(withoutPlaces) },
    scrape_configs: scrape_configs.map(withoutPlaces),
  };
}

test('the Prometheus configurations of the composition are those that `npm run mixin` writes', (t) => {
  const { status, stderr } = spawnSync(process.execPath, ['infra/generate-mixin.mjs', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  t.is(stderr, '');
  t.is(status, 0);
});

test('the Prometheus configuration of the composition differs from the delivered one only in addresses and paths', (t) => {
  t.deepEqual(
    readWithoutPlaces('infra/prometheus/compose.yml'),
    readWithoutPlaces('infra/prometheus/prometheus.yml'),
  );
});

test('its configuration for long-term storage only adds a remote write to VictoriaMetrics', (t) => {
  const { remote_write, ...rest } = z
    .looseObject({ remote_write: z.array(z.looseObject({ url: z.string() })) })
    .parse(parse(readTracked('infra/prometheus/compose-long-term.yml')));
  t.deepEqual(rest, parse(readTracked('infra/prometheus/compose.yml')));
  t.deepEqual(
    remote_write.map(({ url }) => url),
    ['http://victoria-metrics:8428/api/v1/write'],
  );
});

for (const file of ['compose.yml', 'compose-long-term.yml']) {
  test(`promtool accepts ${file}`, async (t) => {
    const path = fileURLToPath(import.meta.resolve(`../../../infra/prometheus/${file}`));
    const { code, lines } = await runPromtool(['check', 'config', path]);
    t.is(code, 0, lines.join('\n'));
  });
}
