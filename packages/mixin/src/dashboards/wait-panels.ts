import { WAIT_COLORS } from './colors.ts';
import type { PanelSize } from './panel-size.ts';
import { statPanel } from './panel/stat-panel.ts';
import { timeSeriesPanel } from './panel/time-series-panel.ts';
import { orZero, sumBy, sumOfGauge } from './promql.ts';
import { rateOfChosen, selectSeries } from './select-series.ts';
import { PER_SECOND } from './units.ts';

/** By the age of the oldest open wait: yellow when it is slow, red when StuckCoordinator fires. */
export const OLDEST_WAIT_COLORS = [
  { value: null, color: 'green' },
  { value: 300, color: 'yellow' },
  { value: 1_800, color: 'red' },
];

/** How many waits are open now. */
export const waitsNow = (size: PanelSize) =>
  statPanel({
    ...size,
    title: 'Waits in Progress',
    description: 'Open waits: coordinators blocked until they have the ACKs they need.',
    unit: 'none',
    queries: [{ expr: orZero(sumOfGauge('blocking_waits', ['swarm_id'])), legend: 'waits' }],
  });

/** How long the oldest of them has been open. */
export const oldestWaitNow = (size: PanelSize) =>
  statPanel({
    ...size,
    title: 'Oldest Wait',
    description:
      'Age of the oldest open wait, on the clock of Redis. Only this panel shows a wait that never ends: durations are observed when a wait finishes. Red from 30 min, as in the alert StuckCoordinator.',
    unit: 's',
    queries: [
      {
        expr: orZero(`max(${selectSeries('blocking_oldest_wait_seconds', ['swarm_id'])})`),
        legend: 'oldest',
      },
    ],
    thresholds: OLDEST_WAIT_COLORS,
  });

/** Rate of finished waits, by outcome. */
export const waitsFinished = (size: PanelSize) =>
  timeSeriesPanel({
    ...size,
    title: 'Waits Finished',
    description: 'Finished waits per second, by how they ended: the throughput of coordination.',
    unit: PER_SECOND,
    queries: [
      { expr: sumBy(['status'], rateOfChosen('blocking_duration_seconds_count')), legend: '{{status}}' },
    ],
    colors: WAIT_COLORS,
    stacked: true,
  });
