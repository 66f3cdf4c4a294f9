import { BytesFold, CATALOGUE, NO_MATCH, noUpcasters } from '@streamfold/core';
import { test } from '../harness/ava.ts';

const ODD_LAYOUTS = 100;
/** So many decoded events are enough for a usual layout to be learned, whatever came before. */
const ENOUGH = 10_000;

const FORMS = [
  ['flat entries', (fields: readonly string[]) => fields],
  ['batches', (fields: readonly string[]) => ['events', JSON.stringify([toObject(fields)])]],
] as const;

for (const [which, write] of FORMS) {
  test(`${which} of a usual form are folded as bytes even if many odd forms came before them`, (t) => {
    const context = { shard: 0, shards: 1, upcasters: noUpcasters };
    const fold = new BytesFold({ catalogue: CATALOGUE, context, seed: 1, onDeadLetter: () => t.fail() });
    const isFoldedAsBytes = (fields: readonly string[]): boolean => {
      fold.startAnew();
      fold.source.clear();
      fold.source.push(toBytes('1700000000000-0', fields));
      if (fold.foldReceived(fold.source.start) !== NO_MATCH) return true;
      fold.foldAndLearn('1700000000000-0', fields, 100);
      return false;
    };
    const usual = ['type', 'coordinator.started', 'swarm_id', 's1', 'coordinator_id', 'c1'];
    for (let odd = 0; odd < ODD_LAYOUTS; odd++) isFoldedAsBytes(write([...usual, `note_${odd}`, 'x']));

    let decoded = 0;
    while (decoded < ENOUGH && !isFoldedAsBytes(write(usual))) decoded++;
    t.true(decoded < ENOUGH);
    // It stays, although more odd ones come all the time.
    let matched = 0;
    for (let odd = 0; odd < ENOUGH; odd++) {
      isFoldedAsBytes(write([...usual, `other_${odd}`, 'x']));
      if (isFoldedAsBytes(write(usual))) matched++;
    }
    t.is(matched, ENOUGH);
  });
}

function toObject(fields: readonly string[]): Record<string, string> {
  const object: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) object[fields[at] ?? ''] = fields[at + 1] ?? '';
  return object;
}

/** The entry as it stands in a reply. */
function toBytes(id: string, fields: readonly string[]): Buffer {
  return Buffer.from(`*2\r\n${bulk(id)}*${fields.length}\r\n${fields.map(bulk).join('')}`);
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
