import { formatDuration } from './format-duration.ts';
import { GRAFANA_URL } from './links.ts';
import { metricOf } from './metric-of.ts';

/** The thresholds of the alerts. */
export interface Thresholds {
  /** Fires if more coordinators are blocked. */
  readonly blockedCoordinators: number;
  /** A longer wait is slow. A bound of the buckets, so that slow waits are counted and not estimated. */
  readonly slowWaitSeconds: number;
  /** A later ACK is slow. A bound of the buckets. */
  readonly slowSignalSeconds: number;
  /** Fires if a larger share is slow: 0.05 means a P95 above the bound. */
  readonly slowShare: number;
  /** Fires only if at least this number is slow: a single one is no reason for an alert. */
  readonly leastSlow: number;
  /** Fires above this number of heartbeat episodes within five minutes: 30 are 0.1 per second. */
  readonly heartbeatFailures: number;
  /** Fires above this number of timeouts of one type within five minutes. */
  readonly timeouts: number;
  /** A wait is stuck when it has been open for longer. */
  readonly stuckWaitSeconds: number;
  /** Folding is behind when its oldest entry is older. */
  readonly lagSeconds: number;
}

const THRESHOLDS: Thresholds = {
  blockedCoordinators: 10,
  slowWaitSeconds: 300,
  slowSignalSeconds: 5,
  slowShare: 0.05,
  leastSlow: 3,
  heartbeatFailures: 30,
  timeouts: 30,
  stuckWaitSeconds: 1_800,
  lagSeconds: 60,
};

export interface RuleOptions {
  /**
   * Factor for every window and every `for`, 1 by default: 0.01 turns 5 minutes into 3 s, for tests. It does not change
   * thresholds.
   */
  readonly timeScale?: number;
  readonly thresholds?: Partial<Thresholds>;
  /** Address of Grafana, for `dashboard_url`. */
  readonly grafanaUrl?: string;
}

/** The options and helpers with which the rules are written. */
export interface RuleContext {
  readonly thresholds: Thresholds;
  /** A duration in Prometheus's form, scaled. */
  duration(seconds: number): string;
  /** The same as a number of seconds. */
  scaled(seconds: number): number;
  readonly grafanaUrl: string;
}

/** @throws {RangeError} if a threshold for slow observations is not a bound of the buckets. */
export function createRuleContext({
  timeScale = 1,
  thresholds,
  grafanaUrl = GRAFANA_URL,
}: RuleOptions): RuleContext {
  const all = { ...THRESHOLDS, ...thresholds };
  checkBound('blocking_duration_seconds', all.slowWaitSeconds);
  checkBound('signal_delivery_latency_seconds', all.slowSignalSeconds);
  return {
    thresholds: all,
    duration: (seconds) => formatDuration(scaleMs(seconds, timeScale)),
    scaled: (seconds) => scaleMs(seconds, timeScale) / 1_000,
    grafanaUrl,
  };
}

/** Prometheus takes whole milliseconds, and no window of 0. */
function scaleMs(seconds: number, timeScale: number): number {
  return Math.max(1, Math.round(seconds * 1_000 * timeScale));
}

function checkBound(name: string, seconds: number): void {
  const metric = metricOf(name);
  const bounds = metric.type === 'histogram' ? metric.buckets : [];
  if (bounds.includes(seconds)) return;
  throw new RangeError(`expected one of the buckets of ${name}, ${bounds.join(', ')}; got ${seconds}`);
}
