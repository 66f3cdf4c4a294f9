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

/** The phases of work, and where coordinators get stuck in them. */
export function phaseDashboard(alertNames: readonly string[]): Dashboard {
  return createDashboard(
    {
      uid: DASHBOARD_UIDS.phase,
      title: 'Blocking Coordination: Phase',
      description: 'In which phase coordinators are, and in which of them they block.',
      kind: 'swarm',
      variables: [
        ...swarmVariables(),
        labelVariable('phase', {
          title: 'Phase',
          selector: 'blocking_coordinators_total{job=~"$job", instance=~"$instance", swarm_id=~"$swarm_id"}',
          description: 'Phases in which a coordinator of the chosen swarms was in the time that is shown.',
        }),
      ],
      rows: [
        {
          title: 'Now',
          panels: [
            now('Coordinators', 'Coordinators alive in the chosen phases.'),
            now('Blocked', 'Coordinators in the chosen phases with at least one open wait.', 'blocked'),
            now('Stale', 'Coordinators in the chosen phases whose heartbeat is missing.', 'stale'),
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
    description: 'Coordinators alive, by phase. A click on a phase chooses it.',
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
      'Of the coordinators in a phase, how many are blocked. A phase that stays high is where work waits for others.',
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
    description:
      'Coordinators alive in the chosen phases, by swarm. A click on a swarm leads to its dashboard.',
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
    description: 'Coordinators now, for each swarm and phase. A click on a swarm leads to its dashboard.',
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
    description:
      'Coordinators in this phase: active, blocked or stale. One panel for each phase that is chosen.',
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
