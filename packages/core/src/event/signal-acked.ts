import { defineEvent } from './define-event.ts';
import { durationMs, id, labelText } from './field.ts';

/** A receiver has answered a signal. */
export const signalAcked = defineEvent({
  type: 'signal.acked',
  description: 'The ACK of a receiver is recorded.',
  fields: {
    sender_id: id,
    receiver_id: id,
    signal_type: labelText,
    latency_ms: durationMs,
    signal_id: id.optional(),
  },
  meanings: {
    sender_id: 'the coordinator that sent the signal',
    receiver_id: 'the coordinator that ACKed it',
    signal_type: 'what kind of signal it is',
    latency_ms: 'from the sending of the signal to the recording of the ACK',
    signal_id: 'the signal',
  },
});
