import {
  createEventQueue,
  type EventQueue,
  type Extracted,
  type Mark,
} from '@streamfold/publisher/event-queue';
import { createPagePool } from '@streamfold/publisher/page-pool';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';

type Receipt = NonNullable<Mark['receipt']>;

/** Small, so that a few hundred events take many pages. */
const PAGE_BYTES = 1_000;

/** A receipt that is asked for nothing but who it is. */
function receiptOf(name: string): Receipt {
  return { name } as unknown as Receipt;
}

function textOf(sequence: number): string {
  return JSON.stringify({ n: sequence, text: 'é'.repeat(sequence % 50) });
}

/** The sequences of the events after one, of which each has the text of its sequence. */
function listQueue(queue: EventQueue, after = 0): number[] {
  const sequences: number[] = [];
  queue.visit(after, (page, index) => {
    const sequence = page.firstSequence + index;
    const text = page.bytes.toString('utf8', page.startOf(index), page.endOf(index));
    sequences.push(text === textOf(sequence) ? sequence : Number.NaN);
    return true;
  });
  return sequences;
}

function sizeOf(sequences: readonly number[]): Pick<Extracted, 'events' | 'bytes'> {
  const bytes = sequences.reduce((total, sequence) => total + Buffer.byteLength(textOf(sequence)), 0);
  return { events: sequences.length, bytes };
}

/** A part of the queue is given as a share of its length, because the length is known only when the step is taken. */
const share = fc.constantFrom(0, 0.1, 0.5, 0.9, 1);
const step = fc.oneof(
  fc.record({ push: fc.constantFrom(1, 7, 90, 250), every: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ drop: share, inDoubt: fc.boolean() }),
  fc.record({ spare: share }),
);

test('a queue gives its events in order, whatever is dropped and extracted in between', (t) => {
  const property = fc.property(fc.array(step, { minLength: 10, maxLength: 30 }), (steps) => {
    const queue = createEventQueue(createPagePool(PAGE_BYTES));
    const receipt = receiptOf('chosen');
    const marked = new Set<number>();
    let due: number[] = [];
    let sequence = 0;
    for (const taken of steps) {
      if ('push' in taken) {
        for (let count = 0; count < taken.push; count++) {
          const isMarked = ++sequence % taken.every === 0;
          if (isMarked) marked.add(sequence);
          queue.pushText(textOf(sequence), isMarked ? { member: '', receipt } : undefined);
          due.push(sequence);
        }
      } else if ('drop' in taken) {
        const dropped = due.splice(0, Math.floor(taken.drop * due.length));
        if (taken.inDoubt) queue.doubt();
        queue.drop(dropped.at(-1) ?? 0);
      } else {
        const spared = due.slice(0, Math.floor(taken.spare * due.length));
        const chosen = due.filter((each, index) => index >= spared.length && marked.has(each));
        const extracted = queue.extract(spared.at(-1) ?? 0, (each) => each === receipt);
        t.like(extracted, { ...sizeOf(chosen), receipts: chosen.map(() => receipt) });
        due = due.filter((each) => !chosen.includes(each));
      }
      t.is(queue.length, due.length);
      t.is(queue.oldest, due[0]);
      t.is(queue.latest, sequence);
    }
    t.deepEqual(listQueue(queue), due);
  });
  fc.assert(property, { numRuns: 50 });
});

test('a queue keeps its oldest events, which are being sent, even if they are chosen', (t) => {
  const queue = createEventQueue(createPagePool(PAGE_BYTES));
  for (const sequence of [1, 2, 3, 4]) queue.pushText(textOf(sequence));
  queue.drop(1);
  t.like(
    queue.extract(3, () => true),
    { ...sizeOf([4]), receipts: [] },
  );
  t.deepEqual(listQueue(queue), [2, 3]);
});

test('an emptied queue accepts events again', (t) => {
  const queue = createEventQueue(createPagePool(PAGE_BYTES));
  queue.pushText(textOf(1));
  queue.drop(1);
  t.is(queue.oldest, undefined);
  queue.pushText(textOf(2));
  t.deepEqual(listQueue(queue), [2]);
});

test('an event that is larger than a page is taken', (t) => {
  const queue = createEventQueue(createPagePool(PAGE_BYTES));
  const text = JSON.stringify({ text: '日'.repeat(PAGE_BYTES) });
  t.is(queue.pushText(text), Buffer.byteLength(text));
  t.is(queue.length, 1);
});

test('bytes whose sending was in doubt stay as they are, even after their events have left', (t) => {
  const queue = createEventQueue(createPagePool(PAGE_BYTES));
  const pushed = queue.tail(100);
  queue.pushText(textOf(1));
  const sent = pushed.bytes.subarray(pushed.startOf(0), pushed.endOf(0));
  queue.doubt();
  queue.drop(1);
  for (let sequence = 2; sequence < 200; sequence++) {
    queue.pushText(textOf(sequence));
    queue.drop(sequence);
  }
  t.is(sent.toString(), textOf(1));
});
