import type { DashboardUid } from '../dashboards/dashboard-uids.ts';

/** Address of the runbooks. */
const RUNBOOKS_URL = 'https://github.com/streamfold/streamfold/blob/main/docs/runbooks';

/** Default address of Grafana: the one of the Compose file on this machine. */
export const GRAFANA_URL = 'http://localhost:3001';

/** The runbook of an alert. */
export function runbookUrl(alert: string): string {
  return `${RUNBOOKS_URL}/${alert}.md`;
}

/** A dashboard; `query` sets its variables. */
export function dashboardUrl(grafanaUrl: string, uid: DashboardUid, query = ''): string {
  return `${grafanaUrl}/d/${uid}${query}`;
}
