import { defineEvent } from './define-event.ts';
import { id } from './field.ts';

/** A heartbeat episode is over. */
export const heartbeatRecovered = defineEvent({
  type: 'heartbeat.recovered',
  description: 'A coordinator sends heartbeats again: the episode is over.',
  fields: { coordinator_id: id },
  meanings: { coordinator_id: 'the coordinator' },
});
