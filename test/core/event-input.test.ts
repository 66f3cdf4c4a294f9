import { test } from '../harness/ava.ts';
import { encodeEvent, type EventInput } from '@streamfold/core';

const KNOWN = { swarm_id: 's1', sender_id: 'a', receiver_id: 'b' } as const;

test('an event may have extra fields, which the types allow and the encoded event keeps', (t) => {
  const event: EventInput = {
    type: 'signal.sent',
    ...KNOWN,
    signal_type: 'handoff',
    trace_id: 't1',
    attempt: 2,
  };
  const encoded = encodeEvent(event);
  t.true(encoded.ok && encoded.text.includes('"trace_id":"t1","attempt":"2"'));
});

test('an event may be typed by an interface of the user', (t) => {
  interface Sent {
    readonly type: 'signal.sent';
    readonly swarm_id: string;
    readonly sender_id: string;
    readonly receiver_id: string;
    readonly signal_type: string;
  }
  const sent: Sent = { type: 'signal.sent', ...KNOWN, signal_type: 'handoff' };
  t.true(encodeEvent(sent).ok);
});

test('the types check the known fields of an event that has extra ones', (t) => {
  const extra = { trace_id: 't1' };
  const wrong: EventInput[] = [
    // @ts-expect-error signal_type is missing
    { type: 'signal.sent', ...KNOWN, ...extra },
    // @ts-expect-error there is no such type
    { type: 'signal.lost', ...KNOWN, signal_type: 'handoff', trace_id: 't1' },
    // @ts-expect-error an id is a text
    { type: 'signal.sent', ...KNOWN, swarm_id: 1, signal_type: 'handoff', trace_id: 't1' },
    {
      type: 'wait.finished',
      swarm_id: 's1',
      coordinator_id: 'a',
      // @ts-expect-error there is no such status
      status: 'lost',
      duration_ms: 1,
      trace_id: 't1',
    },
    // @ts-expect-error an extra field is a text or a number
    { type: 'signal.sent', ...KNOWN, signal_type: 'handoff', urgent: true },
  ];
  t.is(wrong.length, 5); // the compiler has refused each
});
