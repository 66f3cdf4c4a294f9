import type { RuleContext } from './rule-options.ts';
import type { RecordingRule } from './rule.ts';

/**
 * The growth of a recorded sum within a number of minutes: its last value minus its minimum.
 *
 * This is not `increase()`, which takes a fall for a restart from 0. These sums come from a state that outlives a process.
 * They fall only if Redis went back to an older state or the stream was folded again after a trim, and then `increase()`
 * would count the whole remaining history as new. This growth is also exact, and bridges failed scrapes.
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
    // By convention, a series that is no longer a counter has no `_total`.
    record: record.replace(/(_total)?:sum$/, `:increase${minutes}m`),
    expr: `last_over_time(${record}[${window}]) - min_over_time(${record}[${window}])`,
  };
}

/** The same as growth per second. */
export function rateRule({ record }: RecordingRule, minutes: number, { scaled }: RuleContext): RecordingRule {
  return {
    record: record.replace(/:increase\d+m$/, `:rate${minutes}m`),
    expr: `${record} / ${scaled(minutes * 60)}`,
  };
}
