import { defineEvent } from './define-event.ts';
import { count, durationMs, id, labelText } from './field.ts';

/** A coordinator blocks. */
export const waitStarted = defineEvent({
  type: 'wait.started',
  description: 'A coordinator blocks until it has the ACKs it needs.',
  fields: {
    coordinator_id: id,
    wait_id: id,
    phase: labelText.optional(),
    timeout_ms: durationMs.optional(),
    expected: count.optional(),
  },
  meanings: {
    coordinator_id: 'the coordinator that blocks',
    wait_id: 'the wait',
    phase: 'the new phase',
    timeout_ms: 'how long it is ready to wait',
    expected: 'how many ACKs it needs',
  },
});
