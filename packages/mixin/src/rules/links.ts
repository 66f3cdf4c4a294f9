import type { DashboardUid } from '../dashboards/dashboard-uids.ts';

/** Where the pages for whoever is woken are. */
const RUNBOOKS_URL = 'https://github.com/streamfold/streamfold/blob/main/docs/runbooks';

/** Where Grafana is, unless the rules are told another place: the one of the composition on this machine. */
export const GRAFANA_URL = 'http://localhost:3001';

/** The page of an alert. */
export function runbookUrl(alert: string): string {
  return `${RUNBOOKS_URL}/${alert}.md`;
}

/** A dashboard; `query` chooses values of its variables. */
export function dashboardUrl(grafanaUrl: string, uid: DashboardUid, query = ''): string {
  return `${grafanaUrl}/d/${uid}${query}`;
}
