import { defineEvent } from './define-event.ts';
import { id, labelText, oneOf } from './field.ts';

/** A signal or an ACK was refused. */
export const signalRejected = defineEvent({
  type: 'signal.rejected',
  description: 'A signal or an ACK is refused because of its signature; nothing else comes of it.',
  fields: {
    sender_id: id,
    receiver_id: id,
    signal_type: labelText,
    part: oneOf('signal', 'ack'),
    reason: oneOf('unsigned', 'unknown_key', 'bad_signature'),
  },
  meanings: {
    sender_id: 'the coordinator that sent the signal, as it says',
    receiver_id: 'the coordinator that it was sent to',
    signal_type: 'what kind of signal it is',
    part: 'what was refused: the signal, or the ACK of its receiver',
    reason: 'why',
  },
});
