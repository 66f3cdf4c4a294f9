import { defineEvent } from './define-event.ts';
import { id, oneOf } from './field.ts';

/** A coordinator ended by itself. */
export const coordinatorStopped = defineEvent({
  type: 'coordinator.stopped',
  description: 'A coordinator ends and is removed from the gauges.',
  fields: { coordinator_id: id, reason: oneOf('completed', 'failed', 'terminated').optional() },
  meanings: { coordinator_id: 'the coordinator', reason: 'how it ended' },
});
