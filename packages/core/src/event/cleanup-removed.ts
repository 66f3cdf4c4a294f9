import { defineEvent } from './define-event.ts';
import { id } from './field.ts';

/** What a coordinator left is removed. */
export const cleanupRemoved = defineEvent({
  type: 'cleanup.removed',
  description:
    'What a coordinator left, whose last life ended long ago, is removed. It does not bring it to life.',
  fields: { removed_id: id },
  meanings: { removed_id: 'the coordinator' },
});
