import { createEventQueue, type EventQueue, type QueuedEvent } from '@streamfold/publisher/event-queue';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';

function eventOf(sequence: number): QueuedEvent {
  return { text: `{"n":${sequence}}`, member: '', sequence, receipt: undefined };
}

function sequencesOf(events: readonly QueuedEvent[]): number[] {
  return events.map(({ sequence }) => sequence);
}

function listQueue(queue: EventQueue): number[] {
  const events = Array.from({ length: queue.length }, (_, index) => queue.at(index));
  return sequencesOf(events.filter((event) => event !== undefined));
}

/** A part of the queue is given as a share of its length, because the length is known only when the step is taken. */
const share = fc.constantFrom(0, 0.1, 0.5, 0.9, 1);
const step = fc.oneof(
  fc.record({ push: fc.constantFrom(1, 7, 900, 2_500) }),
  fc.record({ drop: share }),
  fc.record({ spare: share, every: fc.integer({ min: 1, max: 4 }) }),
);

test('a queue gives its events in order, whatever is dropped and extracted in between', (t) => {
  const property = fc.property(fc.array(step, { minLength: 10, maxLength: 30 }), (steps) => {
    const queue = createEventQueue();
    let due: number[] = [];
    let sequence = 0;
    for (const taken of steps) {
      if ('push' in taken) {
        for (let count = 0; count < taken.push; count++) {
          queue.push(eventOf(++sequence));
          due.push(sequence);
        }
      } else if ('drop' in taken) {
        const count = Math.floor(taken.drop * queue.length);
        queue.drop(count);
        due = due.slice(count);
      } else {
        const spared = Math.floor(taken.spare * queue.length);
        const isChosen = (chosen: number): boolean => chosen % taken.every === 0;
        const extracted = queue.extract(spared, (event) => isChosen(event.sequence));
        t.deepEqual(sequencesOf(extracted), due.slice(spared).filter(isChosen));
        due = due.filter((kept, index) => index < spared || !isChosen(kept));
      }
      t.is(queue.length, due.length);
    }
    t.deepEqual(listQueue(queue), due);
    t.is(queue.at(queue.length), undefined);
  });
  fc.assert(property);
});

test('a queue keeps its oldest events, which are being sent, even if they are chosen', (t) => {
  const queue = createEventQueue();
  for (const sequence of [1, 2, 3, 4]) queue.push(eventOf(sequence));
  queue.drop(1);
  t.deepEqual(sequencesOf(queue.extract(2, () => true)), [4]);
  t.deepEqual(listQueue(queue), [2, 3]);
});

test('an emptied queue accepts events again', (t) => {
  const queue = createEventQueue();
  queue.push(eventOf(1));
  queue.drop(1);
  t.is(queue.at(0), undefined);
  queue.push(eventOf(2));
  t.deepEqual(listQueue(queue), [2]);
});
