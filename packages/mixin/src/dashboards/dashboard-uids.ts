/** The uids of the dashboards. A uid is also the name of the file and the end of the address: `/d/<uid>`. */
export const DASHBOARD_UIDS = {
  overview: 'blocking-coordination',
  swarm: 'blocking-coordination-swarm',
  phase: 'blocking-coordination-phase',
  streamfold: 'streamfold',
} as const;

export type DashboardUid = (typeof DASHBOARD_UIDS)[keyof typeof DASHBOARD_UIDS];
