import { formatDuration } from './format-duration.ts';
import { GRAFANA_URL } from './links.ts';
import { metricOf } from './metric-of.ts';

/** From which value on the alerts fire. */
export interface Thresholds {
  /** More coordinators than these blocked. */
  readonly blockedCoordinators: number;
  /** A wait is slow above this; a bound of the buckets, so that slow ones are counted and not estimated. */
  readonly slowWaitSeconds: number;
  /** An ACK is slow above this; a bound of the buckets. */
  readonly slowSignalSeconds: number;
  /** A larger share than this is slow: 0.05 is a P95 above the bound. */
  readonly slowShare: number;
  /** At least so many are slow: a single one alarms nobody. */
  readonly leastSlow: number;
  /** More heartbeat episodes than these within five minutes: 30 are 0.1 a second. */
  readonly heartbeatFailures: number;
  /** More timeouts of one type than these within five minutes. */
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
   * Every window and every `for` times this, 1 by default: 0.01 makes 3 s of 5 minutes, for tests that do not wait so
   * long. Thresholds stay as they are.
   */
  readonly timeScale?: number;
  readonly thresholds?: Partial<Thresholds>;
  /** Where Grafana is, for `dashboard_url`. */
  readonly grafanaUrl?: string;
}

/** What the rules are written with. */
export interface RuleContext {
  readonly thresholds: Thresholds;
  /** A time as Prometheus writes it, scaled. */
  duration(seconds: number): string;
  /** The same as a number of seconds. */
  scaled(seconds: number): number;
  readonly grafanaUrl: string;
}

/** @throws {RangeError} where a bound of slowness is no bound of its buckets. */
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

/** Prometheus knows whole milliseconds, and no window of 0. */
function scaleMs(seconds: number, timeScale: number): number {
  return Math.max(1, Math.round(seconds * 1_000 * timeScale));
}

function checkBound(name: string, seconds: number): void {
  const metric = metricOf(name);
  const bounds = metric.type === 'histogram' ? metric.buckets : [];
  if (bounds.includes(seconds)) return;
  throw new RangeError(`expected one of the buckets of ${name}, ${bounds.join(', ')}; got ${seconds}`);
}
