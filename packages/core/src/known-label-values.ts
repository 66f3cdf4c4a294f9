import type { Metric } from './catalogue.ts';
import { COORDINATOR_STATUSES } from './coordinator-registers.ts';
import { findEventType } from './event/event-types.ts';

/**
 * All values that a label of a metric can have, if the schema knows them: `completed`, `timeout` and `error` for the
 * `status` of a wait. Empty if it takes any text, such as an id or a phase.
 */
export function knownLabelValues(metric: Metric, label: string): readonly string[] {
  if (metric.type === 'gauge') {
    return metric.projection === 'coordinators_alive' && label === 'status' ? COORDINATOR_STATUSES : [];
  }
  const rule = findEventType(metric.event)?.rules.find(({ decodedName }) => decodedName === label);
  return rule?.kind.words ?? [];
}
