/** The dashboards by their uid, which is also the name of their file and the end of their address: `/d/<uid>`. */
export const DASHBOARD_UIDS = {
  overview: 'blocking-coordination',
  swarm: 'blocking-coordination-swarm',
  phase: 'blocking-coordination-phase',
  streamfold: 'streamfold',
} as const;

export type DashboardUid = (typeof DASHBOARD_UIDS)[keyof typeof DASHBOARD_UIDS];
