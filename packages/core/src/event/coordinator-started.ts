import { defineEvent } from './define-event.ts';
import { id, labelText } from './field.ts';

/** A coordinator is alive, in a new life: nothing of an earlier one is left. */
export const coordinatorStarted = defineEvent({
  type: 'coordinator.started',
  description: 'A coordinator begins a new life: no open waits, not stale.',
  fields: { coordinator_id: id, phase: labelText.default('unknown') },
  meanings: { coordinator_id: 'the coordinator', phase: 'the phase it begins in' },
});
