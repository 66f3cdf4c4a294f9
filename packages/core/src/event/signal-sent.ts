import { defineEvent } from './define-event.ts';
import { id, labelText } from './field.ts';

/** A signal is on its way to one receiver. */
export const signalSent = defineEvent({
  type: 'signal.sent',
  description: 'A signal is sent: one event per receiver.',
  fields: { sender_id: id, receiver_id: id, signal_type: labelText, signal_id: id.optional() },
  meanings: {
    sender_id: 'the coordinator that sends',
    receiver_id: 'the coordinator that is to receive',
    signal_type: 'what kind of signal it is',
    signal_id: 'the signal',
  },
});
