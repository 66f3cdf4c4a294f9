/** The job that scrapes the swarm's metrics, through one target. */
export const SWARM_JOB = 'blocking-coordination';

/** The job that scrapes each aggregator's own metrics. */
export const PROCESS_JOB = 'streamfold';
