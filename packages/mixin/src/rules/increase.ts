import type { RuleContext } from './rule-options.ts';
import type { RecordingRule } from './rule.ts';

/**
 * By how much a recorded sum has grown within so many minutes: its last value less its least.
 *
 * Not `increase()`, which takes a fall for a restart from 0. These sums are read off a state that is not lost with a
 * process; where they fall, Redis went back to an older state, or the stream was folded anew after a trim, and
 * `increase()` would count the whole remaining history as new. It is exact too, and bridges failed scrapes.
 *
 * @see docs/decisions/0010-first-events-count.md
 */
export function increaseRule(
  { record }: RecordingRule,
  minutes: number,
  { duration }: RuleContext,
): RecordingRule {
  const window = duration(minutes * 60);
  return {
    // By custom, what is no counter any more has no `_total`.
    record: record.replace(/(_total)?:sum$/, `:increase${minutes}m`),
    expr: `last_over_time(${record}[${window}]) - min_over_time(${record}[${window}])`,
  };
}

/** The same as growth a second. */
export function rateRule({ record }: RecordingRule, minutes: number, { scaled }: RuleContext): RecordingRule {
  return {
    record: record.replace(/:increase\d+m$/, `:rate${minutes}m`),
    expr: `${record} / ${scaled(minutes * 60)}`,
  };
}
