import { defineEvent } from './define-event.ts';
import { id, labelText } from './field.ts';

/** A coordinator went over to another phase. */
export const coordinatorPhaseChanged = defineEvent({
  type: 'coordinator.phase_changed',
  description: 'A coordinator enters another phase.',
  fields: { coordinator_id: id, phase: labelText },
  meanings: { coordinator_id: 'the coordinator', phase: 'the new phase' },
});
