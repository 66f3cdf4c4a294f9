import { test } from '../harness/ava.ts';
import { BusyError, createVariants } from '@streamfold/aggregator';

/** Variants whose creation takes two seconds of the test's own clock. */
function open(): {
  ask: (name: string) => 'created' | 'kept' | 'refused';
  advance: (ms: number) => void;
} {
  let nowMs = 0;
  const variants = createVariants<string>(() => nowMs);
  return {
    advance: (ms) => void (nowMs += ms),
    ask(name) {
      let created = false;
      try {
        variants.take(name, () => {
          created = true;
          nowMs += 2_000;
          return name;
        });
      } catch (error) {
        if (error instanceof BusyError) return 'refused';
        throw error;
      }
      return created ? 'created' : 'kept';
    },
  };
}

test('a client that keeps changing zero_first_seconds cannot make the process render all the time', (t) => {
  const { ask, advance } = open();
  let renders = 0;
  for (let second = 0; second < 600; second++) {
    if (ask(`text ${second}`) === 'created') renders++;
    else advance(1_000);
  }
  // Four at once, then one every 20 seconds.
  t.true(renders <= 4 + 600 / 20, String(renders));
});

test('the first scrapers keep their variants, whatever other clients ask for', (t) => {
  const { ask, advance } = open();
  t.deepEqual(
    ['text 0', 'text 20', 'openmetrics 20'].map((name) => ask(name)),
    ['created', 'created', 'created'],
  );
  for (let round = 0; round < 100; round++) {
    advance(15_000);
    for (let odd = 0; odd < 8; odd++) ask(`text ${100 + odd}`);
    for (const name of ['text 0', 'text 20', 'openmetrics 20']) t.is(ask(name), 'kept');
  }
});

test('a variant that is no longer asked for makes room for another', (t) => {
  const { ask, advance } = open();
  for (const name of ['a', 'b', 'c', 'd']) ask(name);
  advance(400_000);
  for (const name of ['b', 'c', 'd']) t.is(ask(name), 'kept');
  t.is(ask('e'), 'created');
  for (const name of ['b', 'c', 'd', 'e']) t.is(ask(name), 'kept');
});
