import { defineEvent } from './define-event.ts';
import { id } from './field.ts';

/** The keys of an ended coordinator are removed. */
export const cleanupRemoved = defineEvent({
  type: 'cleanup.removed',
  description:
    'The keys of a coordinator that ended long ago are removed. The event does not bring it to life.',
  fields: { removed_id: id },
  meanings: { removed_id: 'the coordinator' },
});
