import { defineEvent } from './define-event.ts';
import { id, oneOf } from './field.ts';

/** A heartbeat episode begins. */
export const heartbeatStale = defineEvent({
  type: 'heartbeat.stale',
  description: "A coordinator's heartbeat fails: once an episode.",
  fields: { coordinator_id: id, failure_type: oneOf('stale', 'missing', 'timeout').default('stale') },
  meanings: {
    coordinator_id: 'the coordinator',
    failure_type: '`stale`: its heartbeats stopped; `missing`: it never sent one; `timeout`: declared dead',
  },
});
