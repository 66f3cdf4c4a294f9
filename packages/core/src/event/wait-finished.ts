import { defineEvent } from './define-event.ts';
import { durationMs, id, oneOf } from './field.ts';

/** A coordinator continues. */
export const waitFinished = defineEvent({
  type: 'wait.finished',
  description: 'A wait is over. Without `wait_id` it closes all open waits of the coordinator.',
  fields: {
    coordinator_id: id,
    status: oneOf('completed', 'timeout', 'error'),
    duration_ms: durationMs,
    wait_id: id.optional(),
  },
  meanings: {
    coordinator_id: 'the coordinator that was blocked',
    status: 'how the wait ended',
    duration_ms: 'how long it blocked',
    wait_id: 'the wait; one that is not open closes none',
  },
});
