import { createBirths, YOUNG_SECONDS } from '@streamfold/aggregator/round-trips';
import { test } from '../harness/ava.ts';

const YOUNG_MS = YOUNG_SECONDS * 1_000;
const START_MS = 1_700_000_000_000;

test('a series is young until its time is over, and is then forgotten', (t) => {
  const births = createBirths();
  births.add('m', 'first', START_MS);
  births.add('m', 'second', START_MS + 10);
  births.forgetOld(START_MS + YOUNG_MS - 1);
  t.is(births.bornMs('m', 'first'), START_MS);
  births.forgetOld(START_MS + YOUNG_MS);
  t.is(births.bornMs('m', 'first'), undefined);
  t.is(births.bornMs('m', 'second'), START_MS + 10);
});

test('births in the future are forgotten after the clock went back, wherever they are in the order', (t) => {
  const births = createBirths();
  births.add('m', 'present', START_MS);
  births.add('m', 'future', START_MS + 3_600_000);
  births.forgetOld(START_MS + 1);
  t.is(births.bornMs('m', 'present'), START_MS);
  t.is(births.bornMs('m', 'future'), undefined);
});

test('a snapshot holds the births of young series and no others, in parts of bounded size', (t) => {
  const births = createBirths();
  births.add('m', 'old', START_MS - YOUNG_MS);
  for (let number = 0; number < 10; number++) births.add('m', `s${number}`, START_MS + number);
  births.add('n', 'a|b', START_MS);
  const parts = [...births.encodeInParts(START_MS + 20, 4)];
  t.true(parts.length >= 3);
  const read = createBirths();
  for (const part of parts) read.decode(part);
  for (let number = 0; number < 10; number++) t.is(read.bornMs('m', `s${number}`), START_MS + number);
  t.is(read.bornMs('n', 'a|b'), START_MS);
  t.is(read.bornMs('m', 'old'), undefined);
});

test('a birth that is not a time is refused', (t) => {
  const births = createBirths();
  t.throws(() =>
    births.decode('{"series":{"m":["k",[1,2,3]]},"coordinators":[],"totals":[0,0,0],"watermark":""}'),
  );
  t.throws(() => births.decode('no births'));
});
