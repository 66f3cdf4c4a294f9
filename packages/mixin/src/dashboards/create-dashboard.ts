import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DashboardBuilder,
  DashboardCursorSync,
  RowBuilder,
  type Dashboard,
  type Panel,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { alertAnnotations } from './alert-annotations.ts';
import { linksToOthers, type DashboardKind } from './dashboard-links.ts';
import type { DashboardUid } from './dashboard-uids.ts';

/** A headline and its panels, placed from left to right; a panel that does not fit starts the next line. */
interface Row {
  readonly title: string;
  readonly panels: readonly Builder<Panel>[];
}

/** The part that differs between dashboards. */
export interface DashboardSpec {
  readonly uid: DashboardUid;
  readonly title: string;
  readonly description: string;
  readonly kind: DashboardKind;
  readonly variables: readonly Builder<VariableModel>[];
  readonly rows: readonly Row[];
}

/** A dashboard of the last hour that refreshes every 10 s and marks the times at which one of these alerts was firing. */
export function createDashboard(spec: DashboardSpec, alertNames: readonly string[]): Dashboard {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(['streamfold', spec.kind])
    .readonly()
    .time({ from: 'now-1h', to: 'now' })
    .refresh('10s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([...spec.variables])
    .annotations(alertAnnotations(alertNames))
    .links(linksToOthers(spec.kind));
  for (const { title, panels } of spec.rows) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  const dashboard = builder.build();
  for (const [at, panel] of (dashboard.panels ?? []).entries()) panel.id = at + 1;
  return dashboard;
}
