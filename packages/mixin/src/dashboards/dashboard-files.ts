/** The dashboards of Grafana, as JSON that can be provisioned: path and text of each. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map();
}
