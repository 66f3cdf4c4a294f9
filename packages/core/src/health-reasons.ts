/**
 * Why an aggregator is not well: the closed set behind `reasons` of `GET /prometheus/health`, the metric
 * `streamfold_health_reason`, the alerts and docs/reference/health.md. They all read this table.
 *
 * To add a reason:
 * 1. add its row here;
 * 2. add its row in `packages/mixin/src/rules/health-alerts.ts` (the compiler asks for it): an alert, or why none is
 *    needed. A new alert also needs its runbook and a case in `test/mixin/cases/health-cases.ts`;
 * 3. report it with `createCondition` of `packages/aggregator/src/run/condition.ts`, also when it is over.
 *    If it is measured rather than noticed, add it in `packages/aggregator/src/http/read-health.ts`.
 *
 * Then run `npm run docs` and `npm run mixin`.
 */
export const HEALTH_REASONS = {
  redis_unreachable: {
    status: 'unhealthy',
    meaning: 'Redis cannot be reached, or does not answer in time.',
  },
  redis_refuses: {
    status: 'unhealthy',
    meaning:
      'Redis answers, but refuses to say how far folding is. The detail is the error that Redis returned.',
  },
  shards_not_open: {
    status: 'unhealthy',
    meaning: 'The aggregator has not opened its shards yet, so it neither folds nor serves.',
  },
  group_missing: {
    status: 'unhealthy',
    meaning: 'The stream, or the consumer group of the live generation on it, does not exist.',
  },
  registry_lost: {
    status: 'unhealthy',
    meaning:
      'The registry of generations names another generation than the one whose state is on the shard. Nothing is folded or served until an operator decides.',
  },
  state_lost: {
    status: 'degraded',
    meaning:
      'Within the last hour, Redis went back to an earlier state or lost everything, and with it entries and their counts. The detail says how many.',
  },
  generation_unreadable: {
    status: 'degraded',
    meaning: 'A newer version defined the live generation. This aggregator can neither fold nor serve it.',
  },
  rebuild_needed: {
    status: 'degraded',
    meaning: 'The live generation has other metric definitions than this aggregator is configured with.',
  },
  commits_refused: {
    status: 'degraded',
    meaning:
      'This aggregator reads entries but cannot commit them. It has let them go, so that others fold them. The detail is the error.',
  },
  entries_held: {
    status: 'degraded',
    meaning:
      'The oldest pending entry was delivered many times and is still not folded: a consumer reads it but cannot commit it.',
  },
  ids_ahead: {
    status: 'degraded',
    meaning:
      'The last entry has an ID from the future. Until then the ages of entries and waits are shown as 0, and retention goes by order.',
  },
  lagging: {
    status: 'degraded',
    meaning: 'The oldest entry that is not folded yet is at least a minute old.',
  },
  snapshot_unreadable: {
    status: 'unhealthy',
    meaning:
      'The state cannot be read: no snapshot leads into the delta log, and the log no longer begins at its start. Scrapes of the swarm fail.',
  },
  view_stalled: {
    status: 'degraded',
    meaning: 'The view cannot follow the delta log, so scrapes of the swarm fail.',
  },
  monitor_stalled: {
    status: 'degraded',
    meaning:
      'No monitor has judged what is overdue on the shard for a minute, so coordinators that die and waits that time out are not reported.',
  },
  redis_clock_stepped_back: {
    status: 'degraded',
    meaning: 'The clock of Redis went back, so nothing is overdue until a grace period is over.',
  },
  records_set_aside: {
    status: 'healthy',
    meaning:
      'Monitors have set malformed records aside, which no monitor judges until somebody repairs them.',
  },
  dead_letters_kept: {
    status: 'healthy',
    meaning: 'Events that could not be folded wait in the dead-letter stream to be retried or dropped.',
  },
  keys_near_bound: {
    status: 'healthy',
    meaning:
      'The inbox of a coordinator is at least 80 % full. Once it is full, further signals are refused to their senders.',
  },
  archive_stopped: {
    status: 'degraded',
    meaning: 'A shard is neither archived nor trimmed. The detail says why, and its stream grows meanwhile.',
  },
} as const satisfies Readonly<Record<string, HealthReasonRow>>;

interface HealthReasonRow {
  /** The status that the reason causes. `healthy`: somebody should know, but metrics are complete and current. */
  readonly status: HealthStatus;
  /** One sentence for people. */
  readonly meaning: string;
}

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

export type HealthReason = keyof typeof HEALTH_REASONS;

/** Every reason, in the order of the table. */
export const HEALTH_REASON_NAMES = Object.keys(HEALTH_REASONS) as readonly HealthReason[];

/** The worst status that any of the reasons causes; `healthy` if there is none. */
export function worstStatus(reasons: Iterable<HealthReason>): HealthStatus {
  let worst: HealthStatus = 'healthy';
  for (const reason of reasons) {
    const { status }: HealthReasonRow = HEALTH_REASONS[reason];
    if (status === 'unhealthy') return status;
    if (status === 'degraded') worst = status;
  }
  return worst;
}
