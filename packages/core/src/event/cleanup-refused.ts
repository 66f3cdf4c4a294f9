import { defineEvent } from './define-event.ts';
import { id, oneOf } from './field.ts';

/** The keys of an ended coordinator are not removed because its record is malformed. */
export const cleanupRefused = defineEvent({
  type: 'cleanup.refused',
  description: 'A cleanup does not remove the keys of a coordinator because its record is malformed.',
  fields: {
    refused_id: id,
    reason: oneOf(
      'not_a_number',
      'not_whole',
      'in_the_future',
      'too_old',
      'in_seconds',
      'in_microseconds',
      'alive',
      'changed',
    ),
  },
  meanings: {
    refused_id: 'the coordinator',
    reason: 'what is wrong with the time of its end, or that it is alive',
  },
});
