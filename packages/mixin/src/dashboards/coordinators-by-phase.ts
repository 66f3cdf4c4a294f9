import { linkToPhase } from './dashboard-links.ts';
import type { PanelSize } from './panel-size.ts';
import { timeSeriesPanel } from './panel/time-series-panel.ts';
import { sumBy } from './promql.ts';
import { selectSeries } from './select-series.ts';

/** Coordinators alive, by phase. */
export const coordinatorsByPhase = (size: PanelSize) =>
  timeSeriesPanel({
    ...size,
    title: 'Coordinators by Phase',
    description: 'Coordinators alive, by phase. Click a phase to open its dashboard.',
    unit: 'none',
    queries: [
      {
        expr: sumBy(['phase'], selectSeries('blocking_coordinators_total', ['swarm_id'])),
        legend: '{{phase}}',
      },
    ],
    link: linkToPhase('label'),
    stacked: true,
  });
