import { createSortedPages } from '@streamfold/aggregator/round-trips';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';

const key = fc.integer({ min: 0, max: 400 }).map((number) => number.toString(36));
const change = fc.record({ key, text: fc.oneof(fc.string(), fc.constant(undefined)) });

test('sorted pages hold the texts in the order of their keys, whatever is set and deleted', (t) => {
  const property = fc.property(fc.array(change, { maxLength: 1_000, size: 'max' }), (changes) => {
    const pages = createSortedPages();
    const model = new Map<string, string>();
    for (const [at, { key: name, text }] of changes.entries()) {
      if (text === undefined) {
        pages.delete(name);
        model.delete(name);
      } else {
        pages.set(name, text);
        model.set(name, text);
      }
      t.is(pages.has(name), model.has(name));
      t.is(pages.size, model.size);
      if (at % 100 === 0 || at === changes.length - 1) {
        const expected = [...model.keys()].toSorted().map((each) => model.get(each));
        t.is(pages.join(), expected.join(''));
        t.is([...pages.texts()].join(''), expected.join(''));
      }
    }
  });
  fc.assert(property, { numRuns: 40, seed: 51 });
});

test('a page that becomes empty is removed', (t) => {
  const pages = createSortedPages();
  const keys = Array.from({ length: 1_000 }, (_, number) => `k${number}`);
  for (const each of keys) pages.set(each, `${each}\n`);
  t.true([...pages.texts()].length > 1_000 / 64);
  for (const each of keys) pages.delete(each);
  t.is(pages.size, 0);
  t.deepEqual([...pages.texts()], ['']);
});
