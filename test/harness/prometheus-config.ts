import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

interface ScrapeConfig {
  readonly job_name: string;
  readonly params?: Readonly<Record<string, readonly string[]>>;
  readonly static_configs: readonly TargetGroup[];
}

interface DeliveredConfig {
  readonly global: { readonly external_labels: Readonly<Record<string, string>> };
  readonly rule_files?: readonly string[];
  readonly alerting?: unknown;
  readonly scrape_configs: readonly ScrapeConfig[];
  readonly remote_write?: readonly Readonly<Record<string, unknown>>[];
}

/** The settings in which a test differs from the delivered configuration. */
export interface ConfigChanges {
  /** `host:port` of each job's targets. If the job has several groups of targets, each gets one. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  /** Interval of scrapes and rule evaluations. */
  readonly intervalMs: number;
  /** Whether new series are shown as 0 first: for one second, instead of the longer time of the delivered intervals. Default true. */
  readonly zeroFirst?: boolean;
  readonly externalLabels?: Readonly<Record<string, string>>;
  /** `host:port` of the Alertmanager; without it there is none. */
  readonly alertmanager?: string;
  readonly remoteWriteUrl?: string;
}

/**
 * A delivered configuration, with other targets and short intervals. Its rules are those in the folder `alerts` beside it,
 * whatever the delivered one names. If there are several files, each is appended to the previous ones.
 */
export async function adaptPrometheusConfig(
  names: readonly string[],
  changes: ConfigChanges,
): Promise<string> {
  const { targets, intervalMs, zeroFirst = true, externalLabels, alertmanager, remoteWriteUrl } = changes;
  const delivered = parse((await Promise.all(names.map(readDelivered))).join('')) as DeliveredConfig;
  const every = `${intervalMs}ms`;
  return stringify({
    ...delivered,
    global: {
      ...delivered.global,
      scrape_interval: every,
      scrape_timeout: every,
      evaluation_interval: every,
      external_labels: { ...delivered.global.external_labels, ...externalLabels },
    },
    rule_files: ['alerts/*.yml'],
    alerting:
      alertmanager === undefined
        ? undefined
        : { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
    scrape_configs: delivered.scrape_configs.map((job) => ({
      ...job,
      params: shorten(job.params, zeroFirst),
      static_configs: placeTargets(job.static_configs, targets[job.job_name] ?? []),
    })),
    remote_write: delivered.remote_write?.map((target) => ({
      ...target,
      url: remoteWriteUrl,
      queue_config: { batch_send_deadline: '100ms' },
    })),
  });
}

/** The text of a file of `infra/prometheus`. */
export function readDelivered(name: string): Promise<string> {
  return readFile(fileURLToPath(import.meta.resolve(`../../../infra/prometheus/${name}`)), 'utf8');
}

function shorten(params: ScrapeConfig['params'], zeroFirst: boolean): ScrapeConfig['params'] {
  if (params?.['zero_first_seconds'] === undefined) return params;
  const { zero_first_seconds: _, ...others } = params;
  return zeroFirst ? { ...others, zero_first_seconds: ['1'] } : others;
}

function placeTargets(groups: readonly TargetGroup[], targets: readonly string[]): readonly TargetGroup[] {
  if (groups.length === 1) return groups.map((group) => ({ ...group, targets }));
  return groups.map((group, at) => ({ ...group, targets: targets.slice(at, at + 1) }));
}
