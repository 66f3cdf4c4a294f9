import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { COORDINATOR_COLORS } from './colors.ts';
import { createDashboard } from './create-dashboard.ts';
import { linkToPhase, linkToSwarm } from './dashboard-links.ts';
import { DASHBOARD_UIDS } from './dashboard-uids.ts';
import { labelVariable, swarmVariables } from './dashboard-variables.ts';
import { statPanel } from './panel/stat-panel.ts';
import { tablePanel } from './panel/table-panel.ts';
import { timeSeriesPanel } from './panel/time-series-panel.ts';
import { orZero, sumBy } from './promql.ts';
import { selectSeries } from './select-series.ts';

/** The phases of work, and the ones in which coordinators get stuck. */
export function phaseDashboard(alertNames: readonly string[]): Dashboard {
  return createDashboard(
    {
      uid: DASHBOARD_UIDS.phase,
      title: 'Blocking Coordination: Phase',
      description: 'The phases that coordinators are in, and the phases in which they block.',
      kind: 'swarm',
      variables: [
        ...swarmVariables(),
        labelVariable('phase', {
          title: 'Phase',
          selector: 'blocking_coordinators_total{job=~"$job", instance=~"$instance", swarm_id=~"$swarm_id"}',
          description: 'Phases of the coordinators of the selected swarms in the selected time range.',
        }),
      ],
      rows: [
        {
          title: 'Now',
          panels: [
            now('Coordinators', 'Coordinators alive in the selected phases.'),
            now('Blocked', 'Coordinators in the selected phases with at least one open wait.', 'blocked'),
            now('Stale', 'Coordinators in the selected phases without a current heartbeat.', 'stale'),
          ],
        },
        { title: 'Phases compared', panels: [byPhase(), shareBlocked(), bySwarm(), swarms()] },
        { title: 'Each phase', panels: [eachPhase()] },
      ],
    },
    alertNames,
  );
}

function coordinators(matchers: readonly string[] = []): string {
  return selectSeries('blocking_coordinators_total', ['swarm_id', 'phase'], matchers);
}

function now(title: string, description: string, status?: 'blocked' | 'stale') {
  return statPanel({
    title,
    description,
    unit: 'none',
    queries: [
      {
        expr: orZero(sumBy([], coordinators(status === undefined ? [] : [`status="${status}"`]))),
        legend: title.toLowerCase(),
      },
    ],
    thresholds: [
      { value: null, color: 'green' },
      ...(status === undefined ? [] : [{ value: 1, color: status === 'stale' ? 'red' : 'yellow' }]),
    ],
    width: 8,
    height: 5,
  });
}

const byPhase = () =>
  timeSeriesPanel({
    title: 'Coordinators by Phase',
    description: 'Coordinators alive, by phase. Click a phase to select it.',
    unit: 'none',
    queries: [{ expr: sumBy(['phase'], coordinators()), legend: '{{phase}}' }],
    link: linkToPhase('label'),
    stacked: true,
    width: 12,
    height: 9,
  });

const shareBlocked = () =>
  timeSeriesPanel({
    title: 'Share Blocked by Phase',
    description:
      'Share of the coordinators in a phase that are blocked. In a phase that stays high, work waits for others.',
    unit: 'percentunit',
    queries: [
      {
        expr: `(${sumBy(['phase'], coordinators(['status="blocked"']))} or 0 * ${sumBy(['phase'], coordinators())})\n/\n${sumBy(['phase'], coordinators())}`,
        legend: '{{phase}}',
      },
    ],
    width: 12,
    height: 9,
  });

const bySwarm = () =>
  timeSeriesPanel({
    title: 'Coordinators by Swarm',
    description: 'Coordinators alive in the selected phases, by swarm. Click a swarm to open its dashboard.',
    unit: 'none',
    queries: [{ expr: sumBy(['swarm_id'], coordinators()), legend: '{{swarm_id}}' }],
    link: linkToSwarm('label'),
    stacked: true,
    width: 12,
    height: 9,
  });

const swarms = () =>
  tablePanel({
    title: 'Swarms and Phases',
    description: 'Coordinators now, per swarm and phase. Click a swarm to open its dashboard.',
    labels: ['swarm_id', 'phase'],
    columns: [
      { legend: 'Coordinators', expr: sumBy(['swarm_id', 'phase'], coordinators()), unit: 'none' },
      {
        legend: 'Blocked',
        expr: sumBy(['swarm_id', 'phase'], coordinators(['status="blocked"'])),
        unit: 'none',
      },
      { legend: 'Stale', expr: sumBy(['swarm_id', 'phase'], coordinators(['status="stale"'])), unit: 'none' },
    ],
    link: linkToSwarm('cell'),
    width: 12,
    height: 9,
  });

const eachPhase = () =>
  timeSeriesPanel({
    title: 'Phase $phase by Status',
    description: 'Coordinators in this phase: active, blocked or stale. One panel per selected phase.',
    unit: 'none',
    queries: [{ expr: sumBy(['status'], coordinators()), legend: '{{status}}' }],
    colors: COORDINATOR_COLORS,
    stacked: true,
    width: 12,
    height: 8,
  })
    .repeat('phase')
    .repeatDirection('h')
    .maxPerRow(3);
