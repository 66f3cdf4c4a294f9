import type { EventInput } from '@streamfold/publisher';

/** A valid event, numbered so that order and duplicates can be seen. */
export function signalSent(number: number, more: { swarm_id?: string; id?: string } = {}): EventInput {
  return {
    type: 'signal.sent',
    swarm_id: 's1',
    sender_id: 'a',
    receiver_id: 'b',
    signal_type: 'completion',
    signal_id: String(number),
    ...more,
  };
}
