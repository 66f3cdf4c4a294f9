/** Colours of the statuses of coordinators, the same on every panel. */
export const COORDINATOR_COLORS: Readonly<Record<string, string>> = {
  active: 'green',
  blocked: 'yellow',
  stale: 'red',
};

/** Colours of the outcomes of waits. */
export const WAIT_COLORS: Readonly<Record<string, string>> = {
  completed: 'green',
  timeout: 'orange',
  error: 'red',
};

/** Colours of quantiles, from what is usual to what is rare. */
export const QUANTILE_COLORS: Readonly<Record<string, string>> = {
  P50: 'green',
  P95: 'yellow',
  P99: 'orange',
};
