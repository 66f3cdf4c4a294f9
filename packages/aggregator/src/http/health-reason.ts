import type { HealthReason } from '@streamfold/core';

/**
 * One entry of `reasons` in the body of `GET /prometheus/health`. The closed set of reasons, and how to add one, is at the
 * top of `packages/core/src/health-reasons.ts`.
 */
export interface StatedReason {
  readonly reason: HealthReason;
  /** What exactly is wrong, if more is known than the name says. */
  readonly detail?: string;
  /** Absent if the reason concerns the whole process. */
  readonly shard?: number;
}

/** Longest detail, characters: enough for an error of Redis. */
const DETAIL_CHARACTERS = 400;
/** With many shards one cause has one entry for each; more of one reason than this are only counted. */
const SHOWN_OF_ONE_REASON = 20;

/** A reason as it is shown: on one line, cut if it is too long. */
export function stateReason(reason: HealthReason, detail?: string, shard?: number): StatedReason {
  const line = toLine(detail ?? '');
  return {
    reason,
    ...(line === '' ? {} : { detail: line }),
    ...(shard === undefined ? {} : { shard }),
  };
}

/** A text on one line, cut if it is too long. */
export function toLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, DETAIL_CHARACTERS);
}

/** The reasons, with at most some dozen entries of each; one more entry counts the rest. */
export function boundReasons(reasons: readonly StatedReason[]): StatedReason[] {
  const counts = new Map<HealthReason, number>();
  const shown = reasons.filter(({ reason }) => {
    const count = (counts.get(reason) ?? 0) + 1;
    counts.set(reason, count);
    return count <= SHOWN_OF_ONE_REASON;
  });
  for (const [reason, count] of counts) {
    const rest = count - SHOWN_OF_ONE_REASON;
    if (rest > 0) shown.push(stateReason(reason, `and ${rest} more ${rest === 1 ? 'shard' : 'shards'}`));
  }
  return shown;
}
