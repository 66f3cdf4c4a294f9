import { statPanel } from '../panel/stat-panel.ts';
import { selectProcessSeries } from '../select-series.ts';
import { STAT } from './panel-sizes.ts';
import { inRange, ofShard, rate } from './process-queries.ts';

/** The state of the pipeline in a few numbers. */
export function nowPanels() {
  return [
    statPanel({
      ...STAT,
      title: 'Aggregators',
      description: 'Aggregators that answer scrapes.',
      unit: 'none',
      queries: [{ expr: `count(${selectProcessSeries('streamfold_build_info')})`, legend: 'aggregators' }],
    }),
    statPanel({
      ...STAT,
      title: 'Lag',
      description: 'Age of the oldest unfolded entry, on the clock of Redis; the worst shard.',
      unit: 's',
      queries: [{ expr: `max(${selectProcessSeries('streamfold_lag_seconds', 'shard')})`, legend: 'lag' }],
      thresholds: alarmingFrom(10, 60),
    }),
    statPanel({
      ...STAT,
      title: 'Pending',
      description:
        'Entries delivered to a consumer and not acknowledged. Entries that stay here belong to a dead consumer; others claim them.',
      unit: 'none',
      queries: [{ expr: `sum(${ofShard('streamfold_pending_entries')})`, legend: 'pending' }],
    }),
    statPanel({
      ...STAT,
      title: 'Events Folded',
      description: 'Events folded and committed per second, by all aggregators.',
      unit: 'cps',
      queries: [{ expr: `sum(${rate('streamfold_events_folded_total')})`, legend: 'events' }],
    }),
    statPanel({
      ...STAT,
      title: 'Dead Letters',
      description: 'Events that became dead letters in the selected time range.',
      unit: 'short',
      queries: [{ expr: inRange('streamfold_dead_letters_total'), legend: 'dead letters' }],
      thresholds: alarmingFrom(1, 100),
      momentary: true,
    }),
    statPanel({
      ...STAT,
      title: 'Entries Lost',
      description:
        'Entries trimmed from the stream before they were folded, in the selected time range. They can never be folded.',
      unit: 'short',
      queries: [{ expr: inRange('streamfold_entries_lost_total'), legend: 'lost' }],
      thresholds: [
        { value: null, color: 'green' },
        { value: 1, color: 'red' },
      ],
      momentary: true,
    }),
  ];
}

function alarmingFrom(yellow: number, red: number) {
  return [
    { value: null, color: 'green' },
    { value: yellow, color: 'yellow' },
    { value: red, color: 'red' },
  ];
}
