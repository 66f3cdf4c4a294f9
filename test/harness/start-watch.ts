import { ruleFiles, type RuleOptions } from '@streamfold/mixin';
import { startPrivatePrometheus } from '@streamfold/private-servers';
import { adaptPrometheusConfig } from './prometheus-config.ts';
import { queryPrometheus, queryValue } from './query-prometheus.ts';
import { startDeliveredAlertmanager } from './start-delivered-alertmanager.ts';
import { startNotificationReceiver, type Notification } from './start-notification-receiver.ts';
import { waitUntil } from './wait-until.ts';

/** Interval of scrapes and rule evaluations. */
const INTERVAL_MS = 1_000;
/** A notification passes through two servers, on a machine that may be busy with other tests. */
const TOLD_DEADLINE_MS = 90_000;

export interface WatchOptions {
  /** The addresses of the aggregators: each Prometheus scrapes one of them for the metrics of the swarm, and all for their own. */
  readonly aggregatorUrls: readonly string[];
  /** Number of Prometheuses; the n-th scrapes the n-th aggregator. Default 1. */
  readonly prometheuses?: number;
  /** Whether new series are shown to Prometheus as 0 first, as delivered. Default true. */
  readonly zeroFirst?: boolean;
  /** The delivered rules, with shorter windows or other thresholds. */
  readonly rules: RuleOptions;
}

/** The delivered monitoring of aggregators: Prometheus with our rules, Alertmanager, and the receivers. */
export interface Watch {
  readonly prometheusUrls: readonly string[];
  /** The notifications of an alert to PagerDuty and Slack, in order: `pagerduty firing`, `#streamfold-critical resolved`. */
  toldOf(alertname: string): string[];
  /** Names of all alerts that were notified. */
  alertsTold(): string[];
  /** Texts of all notifications of an alert. */
  textsOf(alertname: string): string[];
  /** Resolves when an alert, or its end, was notified to each of the addresses. */
  waitUntilTold(
    alertname: string,
    status: 'firing' | 'resolved',
    addresses: readonly string[],
  ): Promise<void>;
  stop(): Promise<void>;
}

/** Starts all of it, and resolves when each Prometheus has scraped and evaluated once. */
export async function startWatch(options: WatchOptions): Promise<Watch> {
  const { aggregatorUrls, prometheuses = 1, zeroFirst = true, rules } = options;
  const receiver = await startNotificationReceiver();
  const alertmanager = await startDeliveredAlertmanager(receiver);
  const targets = aggregatorUrls.map((url) => new URL(url).host);
  const started = await Promise.all(
    targets.slice(0, prometheuses).map(async (target) =>
      startPrivatePrometheus(
        await adaptPrometheusConfig(['prometheus.yml'], {
          targets: { 'blocking-coordination': [target], streamfold: targets },
          intervalMs: INTERVAL_MS,
          zeroFirst,
          alertmanager: new URL(alertmanager.url).host,
        }),
        { files: ruleFiles(rules) },
      ),
    ),
  );
  for (const { url } of started) {
    await waitUntil(
      'sums to be recorded',
      async () => (await queryValue(url, 'count(timeout_type:timeout_events_total:sum)')) === 3,
    );
  }
  const all = () => receiver.notifications.map(readNotification);
  const toldOf = (name: string): string[] =>
    all().flatMap(({ alertname, told }) => (alertname === name ? [told] : []));
  return {
    prometheusUrls: started.map(({ url }) => url),
    toldOf,
    alertsTold: () => [...new Set(all().map(({ alertname }) => alertname))].toSorted(),
    textsOf: (name) => all().flatMap(({ alertname, text }) => (alertname === name ? [text] : [])),
    async waitUntilTold(alertname, status, addresses) {
      await waitUntil(
        `${addresses.join(' and ')} to be told that ${alertname} is ${status}`,
        () => addresses.every((address) => toldOf(alertname).includes(`${address} ${status}`)),
        TOLD_DEADLINE_MS,
      ).catch(async (cause: unknown) => {
        const seen = await Promise.all(started.map(({ url }) => describe(url)));
        throw new Error(`${cause instanceof Error ? cause.message : ''}; Prometheus: ${seen.join('; ')}`, {
          cause,
        });
      });
    },
    async stop() {
      await Promise.all(started.map((prometheus) => prometheus.stop()));
      await alertmanager.stop();
      await receiver.stop();
    },
  };
}

/** The alert of a notification, its receiver and state, and its text. */
function readNotification(notification: Notification): { alertname: string; told: string; text: string } {
  const isSlack = notification.to === 'slack';
  const title = isSlack ? (notification.attachments[0]?.title ?? '') : notification.payload.summary;
  const [, status = '', alertname = ''] = /^(FIRING|RESOLVED)(?: \d+)?: (\w+)/.exec(title) ?? [];
  const text = isSlack ? notification.attachments[0]?.text : notification.payload.custom_details.alerts;
  return {
    alertname,
    told: `${isSlack ? notification.channel : notification.to} ${status.toLowerCase()}`,
    text: text ?? '',
  };
}

/** What a Prometheus sees: it may explain why nobody was notified. */
async function describe(url: string): Promise<string> {
  const failed = await queryValue(url, 'sum(count_over_time((up == 0)[5m:1s]))');
  const alerts = (await queryPrometheus(url, 'ALERTS')).map(
    ({ metric }) => `${metric['alertname']} ${metric['alertstate']}`,
  );
  return `${failed ?? 0} failed scrapes, alerts: ${alerts.join(', ') || 'none'}`;
}
