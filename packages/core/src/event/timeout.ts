import { defineEvent } from './define-event.ts';
import { id, oneOf } from './field.ts';

/** Something took too long. */
export const timeout = defineEvent({
  type: 'timeout',
  description:
    'Something timed out. With type `heartbeat` the coordinator is declared dead and is removed from the gauges.',
  fields: { coordinator_id: id, timeout_type: oneOf('blocking', 'signal_ack', 'heartbeat') },
  meanings: { coordinator_id: 'the coordinator', timeout_type: 'what took too long' },
});
