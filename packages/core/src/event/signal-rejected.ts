import { defineEvent } from './define-event.ts';
import { id, labelText, oneOf } from './field.ts';

/** A signal or an ACK was refused. */
export const signalRejected = defineEvent({
  type: 'signal.rejected',
  description: 'A signal or an ACK is rejected because of its signature and has no other effect.',
  fields: {
    sender_id: id,
    receiver_id: id,
    signal_type: labelText,
    part: oneOf('signal', 'ack'),
    reason: oneOf('unsigned', 'unknown_key', 'bad_signature'),
  },
  meanings: {
    sender_id: 'the sender that the signal names',
    receiver_id: 'the coordinator that it was sent to',
    signal_type: 'what kind of signal it is',
    part: 'what was rejected: the signal, or the ACK of its receiver',
    reason: 'why',
  },
});
